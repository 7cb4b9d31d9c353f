pragma circom 2.1.6;

include "../gadgets/division.circom";
include "../gadgets/lookup.circom";
include "../gadgets/projection.circom";
include "../gadgets/sponge.circom";
include "../gadgets/tags.circom";

/// @title   payout: the word list follows from the committed scores by the policy
/// @notice  P = sum of positive scores; amount_i = floor(pool min(|S_i|, P) / max(P, 1)) (0 when P = 0);
///          word_i = amount_i + 2^96 negative_i + 2^128 i in the first `count` places, else 0; dust = pool - sum of amounts of positive scores;
///          evaluation = sum_i word_i challenge^(i+1); scoreCommit = H(tagScores, count + 2^32 C, S)
/// @param   C   places, at most 1,024 (assert)
/// @input   everything private is untrusted and committed; limbs have 12 bits. |S_i| < 2^144, pool < 2^96
/// @output  all public signals are determined by scoreCommit and pool: the words are unique. Sign: a negative score has |S| >= 1, so 0 is positive. Comparison:
///          `capped` is 1 exactly when |S| > P, both differences being range-checked. Division: strict, remainder and its gap range-checked. P = 0: `none` is then 1 because P + none - 1 >= 0.
/// @soundness no `<--` but the two of RangeLookup. amount max(P,1) + remainder < 2^96 2^156 + 2^156 < r: no wrap
/// @edge    all scores zero or negative: all amounts 0, dust = pool; |S_i| > P: charged the pool at most; floor(...) = 0: word without amount
/// @cost    about 111 a place, 40 of them the commitment, plus 4,096 for the table
/// @source  docs/design.md, section 3
template Payout(C) {
    assert(C >= 1 && C <= 1024);
    var SCORE_LIMBS = 12; // 144 bits
    var SUM_LIMBS = 13; // 156 bits: 1,024 scores
    var AMOUNT_LIMBS = 8; // 96 bits
    var LOOKUPS = C * (SCORE_LIMBS + 3 * SUM_LIMBS + AMOUNT_LIMBS) + SUM_LIMBS + AMOUNT_LIMBS;

    signal input scoreCommit;
    signal input pool;
    signal input dust;
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
    var count = 0;
    for (var i = 0; i < C; i++) {
        active[i] * (active[i] - 1) === 0;
        if (i > 0) {
            active[i] * (1 - active[i - 1]) === 0;
        }
        count += active[i];
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
    signal positive <== positiveSum;

    component scores = Sponge(tagScores(), 1 + C);
    scores.in[0] <== count + (1 << 32) * C;
    for (var i = 0; i < C; i++) {
        scores.in[1 + i] <== size[i] - 2 * negativeSize[i];
    }
    scoreCommit === scores.out;

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
    var paid = 0;
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

        words.in[i] <== amount + (1 << 96) * negative[i] + (1 << 128) * i * active[i];
        charge[i] <== negative[i] * amount;
        paid += amount - charge[i];
    }
    dust === pool - paid;
    evaluation === words.out;
    assert(looked == LOOKUPS);
}
