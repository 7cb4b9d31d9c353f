pragma circom 2.1.6;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/comparators.circom";
include "sponge.circom";
include "gadgets/limbs.circom";

/// @title   attribution, the textbook version: the products A W, A V, A_Q W and V W^T of every node entry by entry
/// @notice  the statement of circuits/statements/attribution.circom with totalCommit, queryCommit and pathCommit (ListCommit of the total, of the query, of M and N)
///          in place of totalAt, queryAt and pathAt
/// @param   d, k, m, residualBits, queryResidualBits, nodeK, nodeExponent, nodeWeight   as there
/// @input   everything private is untrusted; total and query are made what they are by their commitments
/// @output  all public signals are determined by the private inputs
/// @soundness no `<--` but those of Num2Bits and IsZero. Residuals, M and N are sums of products and need no wires
/// @edge    no query: queryRows = 0 has no witness; queryRows > 2^8 rows: t = 1
/// @cost    a node: 4 d^2 k products and 73 + residualBits + queryResidualBits for each pair of head entries; fixed: about 122 an entry
/// @source  docs/design.md, sections 3 and 4
template Attribution(d, k, m, residualBits, queryResidualBits, nodeK, nodeExponent, nodeWeight) {
    var ENTRIES = entryCount(d, k);
    var TRIANGLE = d * (d + 1) \ 2;

    signal input rows;
    signal input queryRows;
    signal input totalCommit;
    signal input queryCommit;
    signal input pathCommit;

    signal input total[ENTRIES];
    signal input query[ENTRIES];
    signal input quotient;
    signal input value[m][d][k];
    signal input influence[m][d][k];

    component whole = ListCommit(ENTRIES);
    whole.in <== total;
    totalCommit === whole.out;
    component asked = ListCommit(ENTRIES);
    asked.in <== query;
    queryCommit === asked.out;

    // t = max(1, floor(2^8 rows / queryRows))
    signal multiple <== quotient * queryRows;
    component ratio[3];
    for (var i = 0; i < 3; i++) {
        ratio[i] = Num2Bits(48);
    }
    ratio[0].in <== quotient;
    ratio[1].in <== 256 * rows - multiple;
    ratio[2].in <== queryRows - 1 - (256 * rows - multiple);
    component none = IsZero();
    none.in <== quotient;
    signal t <== quotient + none.out;

    component valueRange[m][d][k];
    component influenceRange[m][d][k];
    component residualRange[m][d][k];
    component influenceResidualRange[m][d][k];
    signal product[m][d][k][d];
    signal influenceProduct[m][d][k][d];
    signal queryProduct[m][d][k][d];
    signal gradient[m][d][k];
    signal outer[m][d][k][d];
    for (var j = 0; j < m; j++) {
        for (var i = 0; i < d; i++) {
            for (var c = 0; c < k; c++) {
                var residual = -(1 << nodeExponent[j]) * total[TRIANGLE + k * i + c];
                var influenceSum = 0;
                var slope = -(1 << nodeExponent[j]) * query[TRIANGLE + k * i + c];
                for (var l = 0; l < d; l++) {
                    var low = i < l ? i : l;
                    var high = i < l ? l : i;
                    var e = low * d - low * (low - 1) \ 2 + high - low;
                    // mu_j stands in the diagonal and costs no product of its own.
                    product[j][i][c][l] <== (total[e] + (i == l ? nodeK[j] * rows : 0)) * value[j][l][c];
                    residual += product[j][i][c][l];
                    influenceProduct[j][i][c][l] <== (total[e] + (i == l ? nodeK[j] * rows : 0)) * influence[j][l][c];
                    influenceSum += influenceProduct[j][i][c][l];
                    queryProduct[j][i][c][l] <== query[e] * value[j][l][c];
                    slope += queryProduct[j][i][c][l];
                    outer[j][i][c][l] <== influence[j][i][c] * value[j][l][c];
                }
                gradient[j][i][c] <== t * slope;

                valueRange[j][i][c] = SignedRange(36);
                valueRange[j][i][c].in <== value[j][i][c];
                influenceRange[j][i][c] = SignedRange(36);
                influenceRange[j][i][c].in <== influence[j][i][c];
                residualRange[j][i][c] = SignedRange(residualBits);
                residualRange[j][i][c].in <== residual;
                influenceResidualRange[j][i][c] = SignedRange(queryResidualBits);
                influenceResidualRange[j][i][c].in <== 256 * influenceSum - gradient[j][i][c];
            }
        }
    }

    component path = ListCommit(ENTRIES);
    var entry = 0;
    for (var i = 0; i < d; i++) {
        for (var l = i; l < d; l++) {
            var form = 0;
            for (var j = 0; j < m; j++) {
                for (var c = 0; c < k; c++) {
                    form += nodeWeight[j] * (outer[j][i][c][l] + (l > i ? outer[j][l][c][i] : 0));
                }
            }
            path.in[entry] <== form;
            entry++;
        }
    }
    for (var i = 0; i < d; i++) {
        for (var c = 0; c < k; c++) {
            var linear = 0;
            for (var j = 0; j < m; j++) {
                linear += nodeWeight[j] * (1 << nodeExponent[j]) * influence[j][i][c];
            }
            path.in[TRIANGLE + k * i + c] <== linear;
        }
    }
    pathCommit === path.out;
}
