pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/comparators.circom";
include "sponge.circom";
include "gadgets/tags.circom";

/// @title   payout, the textbook version: bits for every size, amount and remainder
/// @notice  the statement of circuits/statements/payout.circom with the words as public signals of their own in place of `evaluation`
/// @param   pages, G   as there
/// @input   everything private is untrusted. |S_i| < 2^144, pool < 2^96, P < 2^156
/// @output  all public signals but `positive` are determined by scoreCommit and pool
/// @soundness no `<--` but those of Num2Bits and IsZero. A negative score has |S| >= 1, so 0 is positive
/// @cost    about 761 a place, 41 of them the commitment
/// @source  circomlib's LessThan; docs/design.md, section 3
template Payout(pages, G) {
    var C = pages * G;

    signal input previousScores;
    signal input scoreCommit;
    signal input first;
    signal input pool;
    signal input positive;
    signal input pagePositive;
    signal input paid;
    signal input words[C];

    signal input active[C];
    signal input negative[C];
    signal input size[C];
    signal input amount[C];

    component poolRange = Num2Bits(96);
    poolRange.in <== pool;
    component positiveRange = Num2Bits(156);
    positiveRange.in <== positive;

    // Sizes and signs; the sum of positive scores.
    component sizeRange[C];
    signal negativeSize[C];
    var positiveSum = 0;
    var count[pages];
    for (var page = 0; page < pages; page++) {
        count[page] = 0;
    }
    for (var i = 0; i < C; i++) {
        active[i] * (active[i] - 1) === 0;
        if (i > 0) {
            active[i] * (1 - active[i - 1]) === 0;
        }
        count[i \ G] += active[i];
        negative[i] * (negative[i] - 1) === 0;
        sizeRange[i] = Num2Bits(144);
        sizeRange[i].in <== size[i] - negative[i];
        (1 - active[i]) * size[i] === 0;
        negativeSize[i] <== negative[i] * size[i];
        positiveSum += size[i] - negativeSize[i];
    }
    pagePositive === positiveSum;

    component scores[pages];
    signal chain[pages];
    for (var page = 0; page < pages; page++) {
        scores[page] = Sponge(tagScores(), 2 + G);
        scores[page].in[0] <== count[page] + (1 << 32) * G;
        scores[page].in[1] <== (page == 0 ? previousScores : chain[page - 1]);
        for (var i = 0; i < G; i++) {
            scores[page].in[2 + i] <== size[G * page + i] - 2 * negativeSize[G * page + i];
        }
        if (page == 0) {
            chain[page] <== scores[page].out;
        } else {
            chain[page] <== chain[page - 1] + active[G * page] * (scores[page].out - chain[page - 1]);
        }
    }
    scoreCommit === chain[pages - 1];

    component none = IsZero();
    none.in <== positive;
    signal divisor <== positive + none.out;

    // Amounts and words.
    component capped[C];
    component amountRange[C];
    component remainderRange[C];
    component strict[C];
    signal excess[C];
    signal share[C];
    signal multiple[C];
    signal charge[C];
    signal place[C];
    var paidSum = 0;
    for (var i = 0; i < C; i++) {
        capped[i] = LessThan(156);
        capped[i].in[0] <== positive;
        capped[i].in[1] <== size[i];
        excess[i] <== capped[i].out * (size[i] - positive);
        share[i] <== pool * (size[i] - excess[i]);
        amountRange[i] = Num2Bits(96);
        amountRange[i].in <== amount[i];
        multiple[i] <== amount[i] * divisor;
        remainderRange[i] = Num2Bits(156);
        remainderRange[i].in <== share[i] - multiple[i];
        strict[i] = LessThan(156);
        strict[i].in[0] <== share[i] - multiple[i];
        strict[i].in[1] <== divisor;
        strict[i].out === 1;

        place[i] <== (first + i) * active[i];
        words[i] === amount[i] + (1 << 96) * negative[i] + (1 << 128) * place[i];
        charge[i] <== negative[i] * amount[i];
        paidSum += amount[i] - charge[i];
    }
    paid === paidSum;
}
