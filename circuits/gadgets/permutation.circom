pragma circom 2.1.6;

/// @title   The grand product of a list of affine sums
/// @notice  out = prod_i (point - value_i), value_i = offset_i + sum_e weight_e part_ie. Two lists of one length that are fixed before the point is drawn
///          have the same product only if one is a permutation of the other: a polynomial determines its roots and how often each occurs.
///          Lists of pairs (a_i, b_i): value_i = a_i + z b_i at the point z^(2^20), z the challenge. As a polynomial in point and z the product factors into
///          one linear form a pair, and factors are unique; for n < 2^20 the two powers do not mix, since z occurs at most n times in a product.
/// @param   n, parts    length of the list, 1 <= n < 2^20 (assert); wires of one value
/// @param   weight      one for each part
/// @param   offset      one for each value
/// @input   part        untrusted. ASSUMED to be fixed before the challenge: functions of committed inputs, or such functions times z
/// @input   point       the challenge or, for pairs, its power 2^20
/// @output  out         unique. The caller compares it with the product of the other list
/// @soundness no `<--`. Two lists that are no permutation of each other agree with probability n/r, two lists of pairs with n (2^20 + 1)/r, below 2^-213
/// @edge    an element that occurs twice in one list and once in the other is a difference: roots are counted. A product of 0 (the point is a value)
///          has probability n/r
/// @cost    n - 1 non-linear, 1 linear: parts that are bare wires stand inside the products and need no sums of their own
/// @source  Schwartz: Fast probabilistic algorithms for verification of polynomial identities (1980); Bayer, Groth: Efficient zero-knowledge argument for
///          correctness of a shuffle (2012), section 2
template GrandProduct(n, parts, weight, offset) {
    assert(n >= 1 && n < (1 << 20));

    signal input part[n][parts];
    signal input point;
    signal output out;

    signal product[n + 1];
    product[0] <== 1;
    for (var i = 0; i < n; i++) {
        var value = offset[i];
        for (var e = 0; e < parts; e++) {
            value += weight[e] * part[i][e];
        }
        product[i + 1] <== product[i] * (point - value);
    }
    out <== product[n];
}
