pragma circom 2.1.6;

/// @title  KNOWN BAD when `s` is fixed or known in advance: a matrix product that is checked at one point
/// @notice (A B) (1, s)^T = C (1, s)^T. A published gadget takes s = 2: with it C may be off by (2 e, -e) in any row. With a challenge that is drawn after C it is sound.
template ProjectedProduct() {
    signal input a[2][2];
    signal input b[2][2];
    signal input c[2][2];
    signal input s;

    signal projected[2];
    signal product[2][2];
    for (var k = 0; k < 2; k++) {
        projected[k] <== b[k][0] + b[k][1] * s;
    }
    signal step[2];
    for (var i = 0; i < 2; i++) {
        for (var k = 0; k < 2; k++) {
            product[i][k] <== a[i][k] * projected[k];
        }
        step[i] <== c[i][1] * s;
        product[i][0] + product[i][1] === c[i][0] + step[i];
    }
}
