pragma circom 2.1.6;

include "circomlib/circuits/poseidon_constants.circom";

/// @title   Poseidon permutation of width 17, one output
/// @notice  out = circomlib's Poseidon(16)(in): state (0, in[0..15]), 8 full and 68 partial rounds, first element of the last state.
///          circomlib gives every state element of every partial round a wire and a linear constraint of its own (1,156 of them),
///          which its authors leave to -O2 to remove. Here the 16 untouched elements stay symbolic sums (`var`), and only the element that enters
///          the S-box becomes a wire: one linear constraint a partial round.
/// @input   in[16]   untrusted field elements
/// @output  out      unique
/// @soundness no `<--`
/// @edge    defined for all field elements; zero included
/// @cost    609 non-linear, 85 linear
/// @source  Grassi, Khovratovich, Rechberger, Roy, Schofnegger: Poseidon (USENIX Security 2021), appendix B (sparse matrices); constants of circomlib
template Poseidon16() {
    var T = 17;
    var HALF_FULL = 4;
    var PARTIAL = 68;
    var C[T * 2 * HALF_FULL + PARTIAL] = POSEIDON_C(T);
    var S[PARTIAL * (2 * T - 1)] = POSEIDON_S(T);
    var M[T][T] = POSEIDON_M(T);
    var P[T][T] = POSEIDON_P(T);

    signal input in[16];
    signal output out;

    // x^5 = ((x^2)^2) x, three wires an S-box. No component: its input would be one linear constraint each.
    signal square[2 * HALF_FULL][T];
    signal fourth[2 * HALF_FULL][T];
    signal fifth[2 * HALF_FULL][T];
    signal entering[PARTIAL];
    signal partialSquare[PARTIAL];
    signal partialFourth[PARTIAL];
    signal partialFifth[PARTIAL];
    signal leaving[T];

    var state[T];
    var mixed[T];
    state[0] = C[0];
    for (var i = 1; i < T; i++) {
        state[i] = in[i - 1] + C[i];
    }

    for (var r = 0; r < HALF_FULL; r++) {
        for (var i = 0; i < T; i++) {
            square[r][i] <== state[i] * state[i];
            fourth[r][i] <== square[r][i] * square[r][i];
            fifth[r][i] <== fourth[r][i] * state[i];
        }
        for (var i = 0; i < T; i++) {
            mixed[i] = 0;
            for (var j = 0; j < T; j++) {
                mixed[i] += (r == HALF_FULL - 1 ? P[j][i] : M[j][i]) * (fifth[r][j] + C[(r + 1) * T + j]);
            }
        }
        for (var i = 0; i < T; i++) {
            state[i] = mixed[i];
        }
    }

    for (var r = 0; r < PARTIAL; r++) {
        entering[r] <== state[0];
        partialSquare[r] <== entering[r] * entering[r];
        partialFourth[r] <== partialSquare[r] * partialSquare[r];
        partialFifth[r] <== partialFourth[r] * entering[r];
        var first = partialFifth[r] + C[(HALF_FULL + 1) * T + r];
        var row = (2 * T - 1) * r;
        var next = S[row] * first;
        for (var i = 1; i < T; i++) {
            next += S[row + i] * state[i];
            state[i] += S[row + T + i - 1] * first;
        }
        state[0] = next;
    }

    for (var i = 0; i < T; i++) {
        leaving[i] <== state[i];
        state[i] = leaving[i];
    }

    for (var r = 0; r < HALF_FULL; r++) {
        for (var i = 0; i < T; i++) {
            square[HALF_FULL + r][i] <== state[i] * state[i];
            fourth[HALF_FULL + r][i] <== square[HALF_FULL + r][i] * square[HALF_FULL + r][i];
            fifth[HALF_FULL + r][i] <== fourth[HALF_FULL + r][i] * state[i];
        }
        for (var i = 0; i < T; i++) {
            mixed[i] = 0;
            for (var j = 0; j < T; j++) {
                mixed[i] += M[j][i] * (fifth[HALF_FULL + r][j] + (r == HALF_FULL - 1 ? 0 : C[(HALF_FULL + 1) * T + PARTIAL + r * T + j]));
            }
        }
        for (var i = 0; i < T; i++) {
            state[i] = mixed[i];
        }
    }

    out <== state[0];
}
