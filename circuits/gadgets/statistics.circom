pragma circom 2.1.6;

include "limbs.circom";
include "sponge.circom";
include "projection.circom";
include "tags.circom";

/// @title   The commitment of given statistics
/// @notice  out = H(tagStats, rows + 2^32 d + 2^48 k + 2^64 statBits, packed entries)
/// @param   d, k, statBits, limbBits   dimensions, width of an entry, width of a limb
/// @input   limb   limbs of each entry, least significant first. ASSUMED in [0, 2^limbBits), the last one below 2^(width left):
///                 constrained by the caller's lookup, so that each packed element has one opening
/// @input   rows   number of rows (sum of weights). The header is a sum with rows below 2^32 in every commitment that `contribution` accepted
/// @output  out    unique
/// @soundness no `<--`
/// @cost    609 for each 15 elements
template StatisticsCommit(d, k, statBits, limbBits) {
    var ENTRIES = entryCount(d, k);
    var LIMBS = limbCount(statBits, limbBits);
    var PER = packedPer(statBits);
    var ELEMENTS = packedCount(ENTRIES, statBits);

    signal input limb[ENTRIES][LIMBS];
    signal input rows;
    signal output out;

    component hash = Sponge(tagStats(), 1 + ELEMENTS);
    hash.in[0] <== rows + (1 << 32) * d + (1 << 48) * k + (1 << 64) * statBits;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < PER; place++) {
            var entry = PER * element + place;
            if (entry < ENTRIES) {
                for (var s = 0; s < LIMBS; s++) {
                    packed += limb[entry][s] * (1 << (statBits * place + limbBits * s));
                }
            }
        }
        hash.in[1 + element] <== packed;
    }
    out <== hash.out;
}

/// @title   The list of contributions: one commitment a place, empty places at the end
/// @notice  evaluation = sum_i listed_i challenge^(i+1), listed_i = commit_i in an active place and 0 in an empty one
/// @param   C, empty    places; the commitment of statistics that are all zero
/// @input   commit      commitments computed from committed limbs
/// @input   active      committed; binary
/// @output  count       number of active places
/// @soundness no `<--`. An empty place must hold the commitment `empty`, since commit_i - empty (1 - active_i) is compared with the outside list,
///          whose entries there are 0 (nothing listed): its statistics are zero and add nothing.
/// @edge    C active places; none
template ContributionList(C, empty) {
    signal input commit[C];
    signal input active[C];
    signal input challenge;
    signal output count;
    signal output evaluation;

    component list = Evaluation(C);
    list.challenge <== challenge;
    var sum = 0;
    for (var i = 0; i < C; i++) {
        active[i] * (active[i] - 1) === 0;
        list.in[i] <== commit[i] - empty * (1 - active[i]);
        sum += active[i];
    }
    count <== sum;
    evaluation <== list.out;
}
