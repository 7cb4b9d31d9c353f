pragma circom 2.1.6;

include "limbs.circom";
include "lookup.circom";
include "projection.circom";
include "sponge.circom";
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

/// @title   A page of a list of statistics: opened, range-checked, added up
/// @notice  evaluation = sum_i listed_i challenge^(i+1), listed_i = H(statistics i) in an active place and 0 in an empty one;
///          totalAt = sum_e T_e challenge^(e+1), T_e = sum_i entry e of statistics i; rows = sum_i rows_i >= 1
/// @param   C, d, k, statBits, empty   places, dimensions, width of an entry, the commitment of statistics that are all zero
/// @input   limb, rowCount, active, multiplicity   untrusted, ASSUMED committed before the challenge; limbs have 12 bits
/// @output  rows, count, evaluation, totalAt: unique
/// @soundness `inverse <--` is pinned by rows inverse = 1, which needs rows != 0; the other two `<--` are RangeLookup's. Limbs are looked up, the last one shifted so
///          that it is below 2^(width left): each packed element has one opening. An empty place must hold the commitment `empty`, since
///          commit_i - empty (1 - active_i) is compared with the outside list, whose entry there is 0 (nothing listed): its statistics are zero and add nothing.
/// @edge    C active places. No row at all has no witness: so all public signals zero are impossible to prove
/// @cost    per place: 609 for each 15 packed elements and a lookup a limb; fixed: 4,096 and one an entry
template StatisticsPage(C, d, k, statBits, empty) {
    var LIMBS = limbCount(statBits, 12);
    var SHIFT = 12 * LIMBS - statBits;
    var ENTRIES = entryCount(d, k);

    signal input limb[C][ENTRIES][LIMBS];
    signal input rowCount[C];
    signal input active[C];
    signal input multiplicity[4096];
    signal input challenge;
    signal output rows;
    signal output count;
    signal output evaluation;
    signal output totalAt;

    component range = RangeLookup(C * ENTRIES * (LIMBS + (SHIFT > 0 ? 1 : 0)), 12);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;

    component opening[C];
    component list = Evaluation(C);
    list.challenge <== challenge;
    signal listedRows[C]; // a product, since with one place rows and rowCount would be one wire
    var rowSum = 0;
    var activeSum = 0;
    for (var i = 0; i < C; i++) {
        active[i] * (active[i] - 1) === 0;
        activeSum += active[i];
        listedRows[i] <== active[i] * rowCount[i];
        rowSum += listedRows[i];
        opening[i] = StatisticsCommit(d, k, statBits, 12);
        opening[i].limb <== limb[i];
        opening[i].rows <== rowCount[i];
        list.in[i] <== opening[i].out - empty * (1 - active[i]);
        for (var e = 0; e < ENTRIES; e++) {
            for (var s = 0; s < LIMBS; s++) {
                range.in[looked] <== limb[i][e][s];
                looked++;
            }
            if (SHIFT > 0) {
                range.in[looked] <== limb[i][e][LIMBS - 1] * (1 << SHIFT);
                looked++;
            }
        }
    }
    count <== activeSum;
    rows <== rowSum;
    evaluation <== list.out;

    signal inverse <-- 1 / rows;
    rows * inverse === 1;

    // Horner's rule with the sums in place: a wire for each of them would be one more constraint an entry.
    signal partial[ENTRIES + 1];
    partial[ENTRIES] <== 0;
    for (var e = ENTRIES - 1; e >= 0; e--) {
        var sum = 0;
        for (var i = 0; i < C; i++) {
            for (var s = 0; s < LIMBS; s++) {
                sum += limb[i][e][s] * (1 << (12 * s));
            }
        }
        partial[e] <== (partial[e + 1] + sum) * challenge;
    }
    totalAt <== partial[0];
}
