pragma circom 2.1.6;

/// @title   The evaluation of a list of affine sums at the challenge
/// @notice  out = sum_j value_j challenge^(j+1), value_j = offset + sum_e weight_e part_je
/// @param   count, parts    length of the list; wires of one value
/// @param   weight, offset  constants of the sum: field elements, negative ones included
/// @input   part            untrusted. ASSUMED to be fixed before the challenge (functions of committed inputs)
/// @input   challenge       derived from the commitment to all of them
/// @output  out             unique
/// @soundness no `<--`; two different lists that were fixed before the challenge agree with probability count/r
/// @edge    parts that are bare wires cost nothing: the sums stand inside the products and need no wires of their own
/// @cost    count non-linear
/// @source  PROTOCOL, section 5: Horner's rule as in `Evaluation`
template AffineEvaluation(count, parts, weight, offset) {
    signal input part[count][parts];
    signal input challenge;
    signal output out;

    signal partial[count + 1];
    partial[count] <== 0;
    for (var j = count - 1; j >= 0; j--) {
        var value = offset;
        for (var e = 0; e < parts; e++) {
            value += weight[e] * part[j][e];
        }
        partial[j] <== (partial[j + 1] + value) * challenge;
    }
    out <== partial[0];
}

/// @title   Division by a power of two with rounding, for a list whose numerators are known by their evaluation
/// @notice  out = sum_j numerator_j challenge^(j+1), numerator_j = 2^shift quotient_j + remainder_j - 2^(shift-1),
///          shift = 8 bytes, quotient_j = offset + sum_e weight_e part_je: quotient_j = floor(numerator_j / 2^shift + 1/2), a half goes up
/// @param   count, parts, weight, offset   as in AffineEvaluation, for the quotient
/// @param   bytes           bytes of a remainder, 1 to 8 (assert)
/// @input   part            ASSUMED fixed before the challenge, and such that |quotient_j| < 2^128: constrained by the caller's lookup of their limbs
/// @input   remainder       bytes, least significant first. ASSUMED committed and in [0, 256): the CALLER MUST look them up, without that the quotient is free
/// @input   challenge       derived from the commitment to all of them
/// @output  out             unique. The caller compares it with the evaluation of the list that is divided; if that list was fixed before the challenge
///                          and lies within 2^192, every quotient and every remainder is then determined by it: both sides are integers far below r / 2
/// @soundness no `<--`
/// @edge    numerator -2^(shift-1): quotient 0, remainder 0; 2^(shift-1): quotient 1, remainder 0; a negative numerator rounds to the nearest as well
/// @cost    count non-linear
/// @source  the known flaw is a remainder that is only asserted: test/soundness/training-step.test.ts keeps it
template RoundedEvaluation(count, parts, weight, offset, bytes) {
    assert(bytes >= 1 && bytes <= 8);
    var UNIT = 1 << (8 * bytes);

    signal input part[count][parts];
    signal input remainder[count][bytes];
    signal input challenge;
    signal output out;

    var scaled[parts + bytes];
    for (var e = 0; e < parts; e++) {
        scaled[e] = UNIT * weight[e];
    }
    for (var s = 0; s < bytes; s++) {
        scaled[parts + s] = 1 << (8 * s);
    }
    component numerators = AffineEvaluation(count, parts + bytes, scaled, UNIT * offset - UNIT \ 2);
    numerators.challenge <== challenge;
    for (var j = 0; j < count; j++) {
        for (var e = 0; e < parts; e++) {
            numerators.part[j][e] <== part[j][e];
        }
        for (var s = 0; s < bytes; s++) {
            numerators.part[j][parts + s] <== remainder[j][s];
        }
    }
    out <== numerators.out;
}
