pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "sponge.circom";
include "gadgets/limbs.circom";
include "gadgets/tags.circom";

/// @title   The commitment of given statistics
/// @notice  the value of StatisticsCommit in circuits/gadgets/statistics.circom
/// @param   d, k, statBits   dimensions, width of an entry
/// @input   entry            ASSUMED in [0, 2^statBits), constrained by the caller
/// @input   rows             number of rows
/// @output  out              unique
/// @soundness no `<--`
/// @cost    612 non-linear for each 15 packed elements
template StatisticsCommit(d, k, statBits) {
    var ENTRIES = entryCount(d, k);
    var PER = packedPer(statBits);
    var ELEMENTS = packedCount(ENTRIES, statBits);

    signal input entry[ENTRIES];
    signal input rows;
    signal output out;

    component hash = Sponge(tagStats(), 1 + ELEMENTS);
    hash.in[0] <== rows + (1 << 32) * d + (1 << 48) * k + (1 << 64) * statBits;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < PER; place++) {
            if (PER * element + place < ENTRIES) {
                packed += entry[PER * element + place] * (1 << (statBits * place));
            }
        }
        hash.in[1 + element] <== packed;
    }
    out <== hash.out;
}

/// @title   A page of a list of statistics, the textbook version: bits for every entry
/// @notice  StatisticsPage of circuits/gadgets/statistics.circom, with the listed commitments as public signals of their own in place of `evaluation`
///          and ListCommit of the sum in place of totalAt. A whole of several pages would have to open each page's list again, at about 41 an entry
/// @param   C, d, k, statBits, empty   as there
/// @input   entry, rowCount, active    untrusted
/// @output  listed, rows, count, totalCommit   unique
/// @soundness `inverse <--` is pinned by rows inverse = 1; the other `<--` are those of Num2Bits
/// @cost    a place: statBits an entry and 612 for each 15 packed elements; fixed: about 41 an entry
template StatisticsPage(C, d, k, statBits, empty) {
    var ENTRIES = entryCount(d, k);

    signal input entry[C][ENTRIES];
    signal input rowCount[C];
    signal input active[C];
    signal output listed[C];
    signal output rows;
    signal output count;
    signal output totalCommit;

    component range[C][ENTRIES];
    component opening[C];
    signal listedRows[C];
    var sum[ENTRIES];
    for (var e = 0; e < ENTRIES; e++) {
        sum[e] = 0;
    }
    var rowSum = 0;
    var activeSum = 0;
    for (var i = 0; i < C; i++) {
        active[i] * (active[i] - 1) === 0;
        activeSum += active[i];
        listedRows[i] <== active[i] * rowCount[i];
        rowSum += listedRows[i];
        opening[i] = StatisticsCommit(d, k, statBits);
        opening[i].rows <== rowCount[i];
        for (var e = 0; e < ENTRIES; e++) {
            range[i][e] = Num2Bits(statBits);
            range[i][e].in <== entry[i][e];
            opening[i].entry[e] <== entry[i][e];
            sum[e] += entry[i][e];
        }
        listed[i] <== opening[i].out - empty * (1 - active[i]);
    }
    count <== activeSum;
    rows <== rowSum;

    signal inverse <-- 1 / rows;
    rows * inverse === 1;

    component total = ListCommit(ENTRIES);
    for (var e = 0; e < ENTRIES; e++) {
        total.in[e] <== sum[e];
    }
    totalCommit <== total.out;
}
