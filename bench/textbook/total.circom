pragma circom 2.1.6;

include "statistics.circom";

/// @title   total, the textbook version
/// @notice  the statement of circuits/statements/total.circom with the words as public signals and totalCommit in place of totalAt: see StatisticsPage
/// @param   C, d, k, statBits, empty   as there
/// @input   rowCount, active, entry    untrusted
/// @output  all public signals are determined by the private inputs
/// @soundness no `<--` but those of StatisticsPage
/// @cost    see StatisticsPage
/// @source  docs/design.md, section 3
template Total(C, d, k, statBits, empty) {
    signal input rows;
    signal input totalCommit;
    signal input words[C];

    signal input rowCount[C];
    signal input active[C];
    signal input entry[C][entryCount(d, k)];

    component page = StatisticsPage(C, d, k, statBits, empty);
    page.entry <== entry;
    page.rowCount <== rowCount;
    page.active <== active;
    for (var i = 0; i < C; i++) {
        words[i] === page.listed[i];
    }
    rows === page.rows;
    totalCommit === page.totalCommit;
}
