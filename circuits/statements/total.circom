pragma circom 2.1.6;

include "../gadgets/statistics.circom";

/// @title   total: a page of statistics, added up
/// @notice  see StatisticsPage: the words are the listed commitments, rows their rows, totalAt the evaluation of their sum
/// @param   C, d, k, statBits, empty   as in StatisticsPage
/// @input   everything private is untrusted and committed; limbs have 12 bits
/// @output  all public signals are determined by the committed inputs. totalAt is a link: it says something only beside a proof with the same challenge
/// @soundness no `<--` but those of StatisticsPage
/// @cost    see stats.csv
/// @source  docs/design.md, sections 1 and 3
template Total(C, d, k, statBits, empty) {
    var ENTRIES = entryCount(d, k);

    signal input rows;
    signal input totalAt;
    signal input evaluation;
    signal input challenge;

    signal input blind;
    signal input rowCount[C];
    signal input active[C];
    signal input statLimb[C][ENTRIES][limbCount(statBits, 12)];
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
}
