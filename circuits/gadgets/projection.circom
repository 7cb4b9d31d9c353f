pragma circom 2.1.6;

/// Smallest prime p >= max(d, 3).
function primeFrom(d) {
    var p = d < 3 ? 3 : d;
    var composite = 1;
    while (composite == 1) {
        composite = 0;
        for (var q = 2; q * q <= p; q++) {
            if (p % q == 0) {
                composite = 1;
            }
        }
        if (composite == 1) {
            p++;
        }
    }
    return p;
}

/// @title   A projection vector whose pairwise products are distinct powers of the challenge
/// @notice  tau_l = challenge^(2 p l + (l^2 mod p)), p the smallest prime >= d. These exponents are a Sidon set: all sums of two are distinct.
///          So x^T A x, x = tau, is a polynomial in the challenge with the entries of the symmetric matrix A (off-diagonal ones
///          doubled) as coefficients, and a matrix that was fixed before the challenge is determined by that one value.
/// @param   d          1 <= d <= 256 (assert), so every tau_i tau_j has an exponent below 2^20
/// @input   challenge  untrusted; soundness of the user needs it to be drawn after the matrix
/// @output  tau[d]     unique
/// @output  block      challenge^(2^20), above every tau_i tau_j: the step for further coordinates
/// @soundness no `<--`. The user's polynomial has degree below 2^32, so a wrong identity survives with probability below 2^-221
/// @cost    about 3 d + 24
/// @source  Erdos, Turan: On a problem of Sidon in additive number theory (1941)
template SidonPowers(d) {
    assert(d >= 1 && d <= 256);
    var p = primeFrom(d);

    signal input challenge;
    signal output tau[d];
    signal output block;

    // small[e] = challenge^e for e in [0, 2p]
    signal small[2 * p + 1];
    small[0] <== 1;
    for (var e = 1; e <= 2 * p; e++) {
        small[e] <== small[e - 1] * challenge;
    }

    signal stride[d];
    for (var l = 0; l < d; l++) {
        if (l == 0) {
            stride[l] <== 1;
        } else {
            stride[l] <== stride[l - 1] * small[2 * p];
        }
        tau[l] <== stride[l] * small[(l * l) % p];
    }

    signal square[21];
    square[0] <== challenge;
    for (var i = 1; i <= 20; i++) {
        square[i] <== square[i - 1] * square[i - 1];
    }
    block <== square[20];
}

/// @title   The evaluation of a list at the challenge
/// @notice  out = sum_i in_i challenge^(i + 1)
/// @input   in         ASSUMED to be fixed before the challenge (functions of committed inputs)
/// @output  out        unique
/// @soundness no `<--`; two different lists that were fixed before the challenge agree with probability n/r
/// @cost    n
/// @source  PROTOCOL, section 5
template Evaluation(n) {
    signal input in[n];
    signal input challenge;
    signal output out;

    signal partial[n + 1];
    partial[n] <== 0;
    for (var i = n - 1; i >= 0; i--) {
        partial[i] <== (partial[i + 1] + in[i]) * challenge;
    }
    out <== partial[0];
}

/// @title   Product of a symmetric matrix and a vector
/// @notice  out_i = sum_l A_il tau_l, A given by its upper triangle, row by row
/// @input   a, tau   untrusted field elements
/// @output  out      unique
/// @soundness no `<--`
/// @cost    d^2 non-linear, d linear
template SymmetricProduct(d) {
    signal input a[d * (d + 1) \ 2];
    signal input tau[d];
    signal output out[d];

    signal product[d][d];
    var entry = 0;
    for (var i = 0; i < d; i++) {
        for (var l = i; l < d; l++) {
            product[i][l] <== a[entry] * tau[l];
            if (l > i) {
                product[l][i] <== a[entry] * tau[i];
            }
            entry++;
        }
    }
    for (var i = 0; i < d; i++) {
        var sum = 0;
        for (var l = 0; l < d; l++) {
            sum += product[i][l];
        }
        out[i] <== sum;
    }
}
