pragma circom 2.1.6;

include "../gadgets/division.circom";
include "../gadgets/lookup.circom";
include "../gadgets/projection.circom";
include "../gadgets/sponge.circom";
include "../gadgets/tags.circom";

/// @title   payout: a page of words follows from committed scores by the policy
/// @notice  P = positive, the sum of the epoch's positive scores; amount_i = floor(pool min(|S_i|, P) / max(P, 1)) (0 when P = 0);
///          word_i = amount_i + 2^96 negative_i + 2^128 (first + i) in the first `count` places, else 0; pagePositive and paid = the sums of positive scores and of their amounts;
///          evaluation = sum_i word_i challenge^(i+1); scoreCommit = h_pages with h_0 = previousScores, h_p = H(tagScores, count_p + 2^32 G, h_{p-1}, S of page p), pages without
///          any score left out but the first
/// @param   pages, G   pages of scores and places of each: at most 1,024 in all (assert)
/// @input   everything private is untrusted and committed; limbs have 12 bits. |S_i| < 2^144, pool < 2^96, P < 2^156; first < 2^32 is what the contract counts
/// @output  all public signals but `positive` are determined by scoreCommit and pool: the words are unique. `positive` is what the page says of the epoch: whoever verifies adds up pagePositive
///          over all pages and compares. Sign: a negative score has |S| >= 1, so 0 is positive. Comparison: `capped` is 1 exactly when |S| > P, both differences being
///          range-checked. Division: strict, remainder and its gap range-checked. P = 0: `none` is then 1 because P + none - 1 >= 0.
/// @soundness no `<--` but the two of RangeLookup. amount max(P,1) + remainder < 2^96 2^156 + 2^156 < r: no wrap
/// @edge    all scores zero or negative: all amounts 0; |S_i| > P: charged the pool at most; floor(...) = 0: word without amount
/// @cost    about 111 a place, 40 of them the commitment, plus 4,096 for the table
/// @source  docs/design.md, section 3
template Payout(pages, G) {
    var C = pages * G;
    assert(C >= 1 && C <= 1024);
    var SCORE_LIMBS = 12; // 144 bits
    var SUM_LIMBS = 13; // 156 bits: 4,096 scores of the largest size
    var AMOUNT_LIMBS = 8; // 96 bits
    var LOOKUPS = C * (SCORE_LIMBS + 3 * SUM_LIMBS + AMOUNT_LIMBS) + SUM_LIMBS + AMOUNT_LIMBS;

    signal input previousScores;
    signal input scoreCommit;
    signal input first;
    signal input pool;
    signal input positive;
    signal input pagePositive;
    signal input paid;
    signal input evaluation;
    signal input challenge;

    signal input blind;
    signal input active[C];
    signal input negative[C];
    signal input sizeLimb[C][SCORE_LIMBS]; // |S| - negative
    signal input capped[C];
    signal input distanceLimb[C][SUM_LIMBS]; // capped: |S| - P - 1, else P - |S|
    signal input amountLimb[C][AMOUNT_LIMBS];
    signal input remainderLimb[C][SUM_LIMBS];
    signal input gapLimb[C][SUM_LIMBS];
    signal input none;
    signal input divisorLimb[SUM_LIMBS]; // P + none - 1
    signal input poolLimb[AMOUNT_LIMBS];
    signal input multiplicity[4096];

    signal hidden <== blind * blind;

    component range = RangeLookup(LOOKUPS, 12);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;

    var poolSum = 0;
    for (var s = 0; s < AMOUNT_LIMBS; s++) {
        range.in[looked] <== poolLimb[s];
        looked++;
        poolSum += poolLimb[s] * (1 << (12 * s));
    }
    pool === poolSum;

    // Sizes and signs; the sum of positive scores.
    signal size[C];
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
        var sum = negative[i];
        for (var s = 0; s < SCORE_LIMBS; s++) {
            range.in[looked] <== sizeLimb[i][s];
            looked++;
            sum += sizeLimb[i][s] * (1 << (12 * s));
        }
        size[i] <== sum;
        (1 - active[i]) * size[i] === 0;
        negativeSize[i] <== negative[i] * size[i];
        positiveSum += size[i] - negativeSize[i];
    }
    pagePositive === positiveSum;

    // A page is there if its first place is: places are filled from the start.
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

    none * (none - 1) === 0;
    none * positive === 0;
    signal divisor <== positive + none;
    var divisorSum = 1;
    for (var s = 0; s < SUM_LIMBS; s++) {
        range.in[looked] <== divisorLimb[s];
        looked++;
        divisorSum += divisorLimb[s] * (1 << (12 * s));
    }
    divisor === divisorSum;

    // Amounts and words.
    signal excess[C];
    signal least[C];
    signal share[C];
    signal charge[C];
    component division[C];
    component words = Evaluation(C);
    words.challenge <== challenge;
    var paidSum = 0;
    for (var i = 0; i < C; i++) {
        capped[i] * (capped[i] - 1) === 0;
        excess[i] <== capped[i] * (size[i] - positive);
        least[i] <== size[i] - excess[i];
        var distance = 0;
        for (var s = 0; s < SUM_LIMBS; s++) {
            range.in[looked] <== distanceLimb[i][s];
            looked++;
            distance += distanceLimb[i][s] * (1 << (12 * s));
        }
        distance === 2 * excess[i] - (size[i] - positive) - capped[i];

        var amount = 0;
        for (var s = 0; s < AMOUNT_LIMBS; s++) {
            range.in[looked] <== amountLimb[i][s];
            looked++;
            amount += amountLimb[i][s] * (1 << (12 * s));
        }
        var remainder = 0;
        var gap = 0;
        for (var s = 0; s < SUM_LIMBS; s++) {
            range.in[looked] <== remainderLimb[i][s];
            looked++;
            remainder += remainderLimb[i][s] * (1 << (12 * s));
            range.in[looked] <== gapLimb[i][s];
            looked++;
            gap += gapLimb[i][s] * (1 << (12 * s));
        }
        share[i] <== pool * least[i];
        division[i] = FloorDivision();
        division[i].numerator <== share[i];
        division[i].divisor <== divisor;
        division[i].quotient <== amount;
        division[i].remainder <== remainder;
        division[i].gap === gap;

        words.in[i] <== amount + (1 << 96) * negative[i] + (1 << 128) * (first + i) * active[i];
        charge[i] <== negative[i] * amount;
        paidSum += amount - charge[i];
    }
    paid === paidSum;
    evaluation === words.out;
    assert(looked == LOOKUPS);
}
