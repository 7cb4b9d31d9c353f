pragma circom 2.1.6;

include "../gadgets/projection.circom";
include "../gadgets/sponge.circom";
include "../gadgets/statistics.circom";
include "../gadgets/tags.circom";

/// @title   score: a page of contributions, opened, added up and scored
/// @notice  S_i = sum_{a<=b} M_ab A_ab - sum_ac N_ac B_ac for each place i;
///          scoreCommit = H(tagScores, count + 2^32 C, previousScores, S_0, ..., S_{C-1}); pathAt = sum_e (M, N)_e challenge^(e+1);
///          rows, totalAt and the words as in StatisticsPage
/// @param   C, d, k, statBits, empty   as in StatisticsPage
/// @input   everything private is untrusted and committed; limbs have 12 bits; m and n are field elements, made what they are by pathAt
/// @output  all public signals are determined by the committed inputs. totalAt and pathAt are links: `attribution` proves the same path and the whole sum at the same challenge
/// @soundness no `<--` but those of StatisticsPage. An empty place has score 0
/// @cost    per place: the opening and one product an entry; fixed: 4,096 and two an entry
/// @source  docs/design.md, sections 1, 3 and 4
template Score(C, d, k, statBits, empty) {
    var LIMBS = limbCount(statBits, 12);
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;

    signal input previousScores;
    signal input scoreCommit;
    signal input rows;
    signal input totalAt;
    signal input pathAt;
    signal input evaluation;
    signal input challenge;

    signal input blind;
    signal input rowCount[C];
    signal input active[C];
    signal input statLimb[C][ENTRIES][LIMBS];
    signal input m[TRIANGLE];
    signal input n[d * k];
    signal input multiplicity[4096];

    signal hidden <== blind * blind;

    component page = StatisticsPage(C, d, k, statBits, empty);
    page.limb <== statLimb;
    page.rowCount <== rowCount;
    page.active <== active;
    page.multiplicity <== multiplicity;
    page.challenge <== challenge;
    rows === page.rows;
    totalAt === page.totalAt;
    evaluation === page.evaluation;

    component path = Evaluation(ENTRIES);
    path.challenge <== challenge;
    for (var e = 0; e < TRIANGLE; e++) {
        path.in[e] <== m[e];
    }
    for (var e = TRIANGLE; e < ENTRIES; e++) {
        path.in[e] <== n[e - TRIANGLE];
    }
    pathAt === path.out;

    // score[i][e]: the score of place i over the first e entries.
    signal score[C][ENTRIES + 1];
    component scores = Sponge(tagScores(), 2 + C);
    scores.in[0] <== page.count + (1 << 32) * C;
    scores.in[1] <== previousScores;
    for (var i = 0; i < C; i++) {
        score[i][0] <== 0;
        for (var e = 0; e < ENTRIES; e++) {
            var value = 0;
            for (var s = 0; s < LIMBS; s++) {
                value += statLimb[i][e][s] * (1 << (12 * s));
            }
            if (e < TRIANGLE) {
                score[i][e + 1] <== score[i][e] + m[e] * value;
            } else {
                score[i][e + 1] <== score[i][e] - n[e - TRIANGLE] * value;
            }
        }
        scores.in[2 + i] <== score[i][ENTRIES];
    }
    scoreCommit === scores.out;
}
