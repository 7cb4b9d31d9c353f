pragma circom 2.1.6;

include "sponge.circom";
include "statistics.circom";
include "gadgets/tags.circom";

/// @title   score, the textbook version
/// @notice  the statement of circuits/statements/score.circom with the words as public signals, totalCommit in place of totalAt and
///          pathCommit = ListCommit(M, N) in place of pathAt
/// @param   C, d, k, statBits, empty   as there
/// @input   rowCount, active, entry, m, n   untrusted; m and n are made what they are by pathCommit
/// @output  all public signals are determined by the private inputs
/// @soundness no `<--` but those of StatisticsPage
/// @cost    a place: StatisticsPage and one product an entry; fixed: about 81 an entry
/// @source  docs/design.md, sections 3 and 4
template Score(C, d, k, statBits, empty) {
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;

    signal input previousScores;
    signal input scoreCommit;
    signal input rows;
    signal input totalCommit;
    signal input pathCommit;
    signal input words[C];

    signal input rowCount[C];
    signal input active[C];
    signal input entry[C][ENTRIES];
    signal input m[TRIANGLE];
    signal input n[d * k];

    component page = StatisticsPage(C, d, k, statBits, empty);
    page.entry <== entry;
    page.rowCount <== rowCount;
    page.active <== active;
    for (var i = 0; i < C; i++) {
        words[i] === page.listed[i];
    }
    rows === page.rows;
    totalCommit === page.totalCommit;

    component path = ListCommit(ENTRIES);
    for (var e = 0; e < TRIANGLE; e++) {
        path.in[e] <== m[e];
    }
    for (var e = TRIANGLE; e < ENTRIES; e++) {
        path.in[e] <== n[e - TRIANGLE];
    }
    pathCommit === path.out;

    // score[i][e]: the score of place i over the first e entries.
    signal score[C][ENTRIES + 1];
    component scores = Sponge(tagScores(), 2 + C);
    scores.in[0] <== page.count + (1 << 32) * C;
    scores.in[1] <== previousScores;
    for (var i = 0; i < C; i++) {
        score[i][0] <== 0;
        for (var e = 0; e < ENTRIES; e++) {
            if (e < TRIANGLE) {
                score[i][e + 1] <== score[i][e] + m[e] * entry[i][e];
            } else {
                score[i][e + 1] <== score[i][e] - n[e - TRIANGLE] * entry[i][e];
            }
        }
        scores.in[2 + i] <== score[i][ENTRIES];
    }
    scoreCommit === scores.out;
}
