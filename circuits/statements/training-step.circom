pragma circom 2.1.6;

include "../gadgets/canonical.circom";
include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/merkle.circom";
include "../gadgets/projection.circom";
include "../gadgets/relu.circom";
include "../gadgets/rounding.circom";
include "../gadgets/sponge.circom";
include "../gadgets/tags.circom";

/// Domain tags: ASCII names as big-endian integers.
function tagCheckpoint() {
    return 162868350704564267015734609783176003294568452288116; // "openledger.checkpoint"
}

function tagPosition() {
    return 2485173808358219406368020780100965961996791662; // "openledger.position"
}

/// @title   The commitment of a checkpoint
/// @notice  out = H(tagCheckpoint, d + 2^16 h + 2^32 k + 2^48 fraction, step, manifestDigest, packed weights + 2^(width-1)), width = fraction + 8;
///          the weights of the first layer feature by feature, then those of the second, hidden unit by hidden unit, the constant unit last
/// @param   d, h, k, fraction   features with the bias, hidden units, classes, fraction bits of a weight: each below 2^16
/// @input   first, second       bytes of the offset weights, least significant first. ASSUMED in [0, 256): constrained by the caller's lookup, so
///                              that each packed element has one opening
/// @input   step                steps taken so far. It is hashed, so that nobody picks a batch by picking the step of a checkpoint
/// @input   manifestDigest      untrusted field element
/// @output  out                 unique
/// @soundness no `<--`
/// @cost    609 for each 15 elements of floor(252 / width) weights
/// @source  PROTOCOL, section 3; `commitCheckpoint` in training-step.ts
template CheckpointCommit(d, h, k, fraction) {
    var WIDTH = fraction + 8;
    var LIMBS = WIDTH \ 8;
    var WEIGHTS = d * h + (h + 1) * k;
    var PER = packedPer(WIDTH);
    var ELEMENTS = packedCount(WEIGHTS, WIDTH);

    signal input first[d][h][LIMBS];
    signal input second[h + 1][k][LIMBS];
    signal input step;
    signal input manifestDigest;
    signal output out;

    component hash = Sponge(tagCheckpoint(), 3 + ELEMENTS);
    hash.in[0] <== d + (1 << 16) * h + (1 << 32) * k + (1 << 48) * fraction;
    hash.in[1] <== step;
    hash.in[2] <== manifestDigest;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < PER; place++) {
            var position = PER * element + place;
            for (var s = 0; s < LIMBS; s++) {
                if (position < d * h) {
                    packed += first[position \ h][position % h][s] * (1 << (WIDTH * place + 8 * s));
                } else if (position < WEIGHTS) {
                    packed += second[(position - d * h) \ k][(position - d * h) % k][s] * (1 << (WIDTH * place + 8 * s));
                }
            }
        }
        hash.in[3 + element] <== packed;
    }
    out <== hash.out;
}

/// @title   training-step: one step of gradient descent of a two-layer perceptron, on the batch that the seed names
/// @notice  With x in [0, 255], a and e in units of 2^-16, weights in units of 2^-fraction, |v|_b = floor(v / 2^b + 1/2):
///              p_ij = |sum_l x_il W_lj|_(fraction-8)                     a_ij = max(p_ij, 0), a_ih = 2^16
///              e_ic = |sum_j a_ij V_jc|_fraction - 2^16 [y_i = c]        e~_ic = w_i e_ic            loss = sum_ic e~_ic^2
///              q_ij = |sum_c e~_ic V_jc|_fraction                        g_ij = [p_ij > 0] q_ij
///              W'_lj = W_lj - |rate sum_i x_il g_ij|_(40-fraction)       V'_jc = V_jc - |rate sum_i a_ij e~_ic|_(48-fraction)
///          This is integer descent on half the squared error, summed over the batch, at the learning rate rate / 2^16, for features x / 256.
///          checkpoint = H(..., step, W, V), nextCheckpoint = H(..., step + 1, W', V'); the batch is the leaf of batchRoot at the position
///          H(tagPosition, levels, seed, step) mod 2^levels, the hash taken as an integer in [0, r).
/// @param   n, d, h, k      rows of a batch, features with the bias, hidden units, classes: n, d, h below 2^16, 2 <= k <= 16 (asserts)
/// @param   levels          log2 of the leaves, 1 to 32 (assert of MerkleRoot). A list whose length is no power of two is repeated up to one
/// @param   fraction        fraction bits of a weight, 16 or 24 (assert); weights lie in [-128, 128)
/// @param   rate            learning rate in units of 2^-16, 1 to 2^16 - 1 (assert)
/// @input   everything private is untrusted and committed
/// @output  all public signals are determined by the committed inputs. From checkpoint, manifestDigest, seed, step and batchRoot there is one
///          nextCheckpoint and one loss: no rounding, sign or choice is left to the prover
/// @soundness no `<--` but the two of RangeLookup. Rows, weights, magnitudes, quotients and remainders are bytes by lookup; labels are one-hot,
///          w is binary; so each packed element has one opening, and rowsCommit is exactly what `contribution` accepts for 1-bit weights.
///          The five products are compared by their evaluations at the challenge, one for each row of the result: sum_j (X W)_ij z^(j+1) =
///          sum_l x_il (sum_j W_lj z^(j+1)), and so on. Both sides are polynomials in z of degree max(h, k) at most, whose coefficients are functions of
///          committed inputs; so they agree entry by entry but with probability (3 n + d + h + 1) max(h, k) / r, below 2^-200.
///          Entry by entry both sides are integers below 2^96, so that nothing wraps, quotient and remainder are unique (RoundedEvaluation), and so is
///          the sign of p (Relu). The position has one decomposition (CanonicalBytes).
/// @edge    p = 0: a = 0 and no gradient. w = 0: the row is committed, but moves nothing. A pre-activation outside (-256, 256], an error or a q outside
///          [-128, 128), or a weight that would leave [-128, 128) has no witness: there is no silent clamp, the step is refused by name before any proof.
///          The seed must be fixed by somebody else than the trainer and after batchRoot: the caller's to check, as is the order of steps
/// @cost    the five products: 2 d h + 2 n (d - 1) + 5 n h + 3 n k + 3 h k + 2 k instead of 2 n d h + 3 n h k; 2 LIMBS + (40 - fraction) / 8 lookups a weight
///          and 1 more for the second layer, 1 a feature, 6 + (2 fraction - 8) / 8 a hidden activation, 3 + fraction / 8 an output, 609 for each 15 packed
///          elements of two checkpoints and the rows, 610 a level. With 10 levels and 16 fraction bits: 13,186 non-linear, 966 of them for the products (2,624
///          directly), at n = 8, d = 16, h = 8, k = 3; 84,226, 15,188 of them for the products (161,792 directly), at n = 32, d = 64, h = 32, k = 10
/// @source  docs/design.md, sections 1 and 2; Rumelhart, Hinton, Williams: Learning representations by back-propagating errors (1986)
template TrainingStep(n, d, h, k, levels, fraction, rate) {
    assert(n >= 1 && n < (1 << 16) && d >= 2 && d < (1 << 16) && h >= 1 && h < (1 << 16));
    assert(k >= 2 && k <= 16);
    assert(fraction == 16 || fraction == 24);
    assert(rate >= 1 && rate < (1 << 16));
    var LIMBS = fraction \ 8 + 1;
    var FRACTION = fraction \ 8;
    var FIRST_BYTES = (40 - fraction) \ 8;
    var SECOND_BYTES = (48 - fraction) \ 8;
    var ONE = 1 << 16;
    var BIT_BYTES = (levels + 7) \ 8;
    var WEIGHTS = d * h + (h + 1) * k;
    var LOOKUPS = n * (d - 1) + 2 * WEIGHTS * LIMBS + d * h * FIRST_BYTES + (h + 1) * k * SECOND_BYTES
        + n * h * (6 + 2 * FRACTION - 1) + n * k * (3 + FRACTION) + 64 - BIT_BYTES;

    signal input checkpoint;
    signal input nextCheckpoint;
    signal input manifestDigest;
    signal input seed;
    signal input step;
    signal input batchRoot;
    signal input loss;
    signal input challenge;

    signal input blind;
    signal input salt;
    signal input x[n][d - 1];
    signal input target[n][k];
    signal input weight[n];
    signal input firstLimb[d][h][LIMBS];
    signal input secondLimb[h + 1][k][LIMBS];
    signal input active[n][h];
    signal input magnitudeLimb[n][h][3];
    signal input activationRemainder[n][h][FRACTION - 1];
    signal input errorLimb[n][k][3];
    signal input errorRemainder[n][k][FRACTION];
    signal input slopeLimb[n][h][3];
    signal input slopeRemainder[n][h][FRACTION];
    signal input nextFirstLimb[d][h][LIMBS];
    signal input firstRemainder[d][h][FIRST_BYTES];
    signal input nextSecondLimb[h + 1][k][LIMBS];
    signal input secondRemainder[h + 1][k][SECOND_BYTES];
    signal input positionBit[8 * BIT_BYTES];
    signal input positionByte[32 - BIT_BYTES];
    signal input gapByte[32];
    signal input borrow;
    signal input sibling[levels];
    signal input multiplicity[256];

    signal hidden <== blind * blind;

    // Range checks.
    component range = RangeLookup(LOOKUPS, 8);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;
    for (var i = 0; i < n; i++) {
        for (var l = 0; l < d - 1; l++) {
            range.in[looked] <== x[i][l];
            looked++;
        }
        for (var j = 0; j < h; j++) {
            for (var s = 0; s < 3; s++) {
                range.in[looked] <== magnitudeLimb[i][j][s];
                range.in[looked + 1] <== slopeLimb[i][j][s];
                looked += 2;
            }
            for (var s = 0; s < FRACTION - 1; s++) {
                range.in[looked] <== activationRemainder[i][j][s];
                looked++;
            }
            for (var s = 0; s < FRACTION; s++) {
                range.in[looked] <== slopeRemainder[i][j][s];
                looked++;
            }
        }
        for (var c = 0; c < k; c++) {
            for (var s = 0; s < 3; s++) {
                range.in[looked] <== errorLimb[i][c][s];
                looked++;
            }
            for (var s = 0; s < FRACTION; s++) {
                range.in[looked] <== errorRemainder[i][c][s];
                looked++;
            }
        }
    }
    for (var j = 0; j < h; j++) {
        for (var l = 0; l < d; l++) {
            for (var s = 0; s < LIMBS; s++) {
                range.in[looked] <== firstLimb[l][j][s];
                range.in[looked + 1] <== nextFirstLimb[l][j][s];
                looked += 2;
            }
            for (var s = 0; s < FIRST_BYTES; s++) {
                range.in[looked] <== firstRemainder[l][j][s];
                looked++;
            }
        }
    }
    for (var j = 0; j <= h; j++) {
        for (var c = 0; c < k; c++) {
            for (var s = 0; s < LIMBS; s++) {
                range.in[looked] <== secondLimb[j][c][s];
                range.in[looked + 1] <== nextSecondLimb[j][c][s];
                looked += 2;
            }
            for (var s = 0; s < SECOND_BYTES; s++) {
                range.in[looked] <== secondRemainder[j][c][s];
                looked++;
            }
        }
    }
    for (var i = 0; i < 32; i++) {
        range.in[looked] <== gapByte[i];
        looked++;
    }
    for (var i = 0; i < 32 - BIT_BYTES; i++) {
        range.in[looked] <== positionByte[i];
        looked++;
    }
    assert(looked == LOOKUPS);

    // The batch: its rows, and its place in the tree.
    component batch = Sponge(tagRows(), 2 + packedCount(n * (d + 1), 8));
    batch.in[0] <== n + (1 << 32) * d + (1 << 48) * k + (1 << 64);
    batch.in[1] <== salt;
    for (var element = 0; element < packedCount(n * (d + 1), 8); element++) {
        var packed = 0;
        for (var place = 0; place < 31; place++) {
            var at = 31 * element + place;
            if (at < n * (d + 1)) {
                var i = at \ (d + 1);
                var l = at % (d + 1);
                if (l < d - 1) {
                    packed += x[i][l] * (1 << (8 * place));
                } else if (l == d - 1) {
                    for (var c = 1; c < k; c++) {
                        packed += c * target[i][c] * (1 << (8 * place));
                    }
                } else {
                    packed += weight[i] * (1 << (8 * place));
                }
            }
        }
        batch.in[2 + element] <== packed;
    }
    for (var i = 0; i < n; i++) {
        weight[i] * (weight[i] - 1) === 0;
        var classes = 0;
        for (var c = 0; c < k; c++) {
            target[i][c] * (target[i][c] - 1) === 0;
            classes += target[i][c];
        }
        classes === 1;
    }

    component draw = Sponge(tagPosition(), 3);
    draw.in[0] <== levels;
    draw.in[1] <== seed;
    draw.in[2] <== step;
    component position = CanonicalBytes();
    for (var b = 0; b < BIT_BYTES; b++) {
        var bits = 0;
        for (var t = 8 * b; t < 8 * b + 8; t++) {
            positionBit[t] * (positionBit[t] - 1) === 0;
            bits += positionBit[t] * (1 << (t - 8 * b));
        }
        position.byte[b] <== bits;
    }
    for (var b = BIT_BYTES; b < 32; b++) {
        position.byte[b] <== positionByte[b - BIT_BYTES];
    }
    position.gap <== gapByte;
    position.borrow <== borrow;
    position.value === draw.out;

    component tree = MerkleRoot(levels);
    tree.leaf <== batch.out;
    tree.sibling <== sibling;
    for (var l = 0; l < levels; l++) {
        tree.bit[l] <== positionBit[l];
    }
    batchRoot === tree.root;

    // Both checkpoints.
    component before = CheckpointCommit(d, h, k, fraction);
    before.first <== firstLimb;
    before.second <== secondLimb;
    before.step <== step;
    before.manifestDigest <== manifestDigest;
    checkpoint === before.out;
    component after = CheckpointCommit(d, h, k, fraction);
    after.first <== nextFirstLimb;
    after.second <== nextSecondLimb;
    after.step <== step + 1;
    after.manifestDigest <== manifestDigest;
    nextCheckpoint === after.out;

    // Constants of the sums: an offset weight, a rounded value of 3 bytes, an error with its target, a pre-activation, the difference of two weights.
    var bytePlaces[LIMBS];
    var differencePlaces[2 * LIMBS];
    for (var s = 0; s < LIMBS; s++) {
        bytePlaces[s] = 1 << (8 * s);
        differencePlaces[s] = 1 << (8 * s);
        differencePlaces[LIMBS + s] = -(1 << (8 * s));
    }
    var slopePlaces[3] = [1, 1 << 8, 1 << 16];
    var errorPlaces[4] = [1, 1 << 8, 1 << 16, ONE];
    var activationPlaces[5] = [1, 2, -1, -(1 << 8), -(1 << 16)];

    // X W, row by row: the evaluation of p is that of the product.
    component firstAt[d];
    for (var l = 0; l < d; l++) {
        firstAt[l] = AffineEvaluation(h, LIMBS, bytePlaces, -(1 << (fraction + 7)));
        firstAt[l].part <== firstLimb[l];
        firstAt[l].challenge <== challenge;
    }
    component relu[n][h];
    component activationAt[n];
    signal firstSum[n][d];
    for (var i = 0; i < n; i++) {
        activationAt[i] = RoundedEvaluation(h, 5, activationPlaces, 0, FRACTION - 1);
        activationAt[i].remainder <== activationRemainder[i];
        activationAt[i].challenge <== challenge;
        for (var j = 0; j < h; j++) {
            relu[i][j] = Relu(3);
            relu[i][j].active <== active[i][j];
            relu[i][j].limb <== magnitudeLimb[i][j];
            activationAt[i].part[j][0] <== active[i][j];
            activationAt[i].part[j][1] <== relu[i][j].excess;
            for (var s = 0; s < 3; s++) {
                activationAt[i].part[j][2 + s] <== magnitudeLimb[i][j][s];
            }
        }
        firstSum[i][0] <== 0;
        for (var l = 0; l < d - 1; l++) {
            firstSum[i][l + 1] <== firstSum[i][l] + x[i][l] * firstAt[l].out;
        }
        firstSum[i][d - 1] + 255 * firstAt[d - 1].out === activationAt[i].out;
    }

    // A V, row by row, errors and loss.
    component secondAt[h + 1];
    for (var j = 0; j <= h; j++) {
        secondAt[j] = AffineEvaluation(k, LIMBS, bytePlaces, -(1 << (fraction + 7)));
        secondAt[j].part <== secondLimb[j];
        secondAt[j].challenge <== challenge;
    }
    component outputAt[n];
    component errorAt[n];
    signal secondSum[n][h + 1];
    signal error[n][k];
    signal lossSum[n * k + 1];
    lossSum[0] <== 0;
    for (var i = 0; i < n; i++) {
        outputAt[i] = RoundedEvaluation(k, 4, errorPlaces, -(1 << 23), FRACTION);
        outputAt[i].remainder <== errorRemainder[i];
        outputAt[i].challenge <== challenge;
        errorAt[i] = Evaluation(k);
        errorAt[i].challenge <== challenge;
        for (var c = 0; c < k; c++) {
            var signed = -(1 << 23);
            for (var s = 0; s < 3; s++) {
                outputAt[i].part[c][s] <== errorLimb[i][c][s];
                signed += errorLimb[i][c][s] * (1 << (8 * s));
            }
            outputAt[i].part[c][3] <== target[i][c];
            error[i][c] <== weight[i] * signed;
            errorAt[i].in[c] <== error[i][c];
            lossSum[i * k + c + 1] <== lossSum[i * k + c] + error[i][c] * error[i][c];
        }
        secondSum[i][0] <== 0;
        for (var j = 0; j < h; j++) {
            secondSum[i][j + 1] <== secondSum[i][j] + (active[i][j] + relu[i][j].excess) * secondAt[j].out;
        }
        secondSum[i][h] + ONE * secondAt[h].out === outputAt[i].out;
    }
    loss === lossSum[n * k];

    // e~ V^T, row by row, and the slopes behind the ReLU.
    component columnAt[k];
    for (var c = 0; c < k; c++) {
        columnAt[c] = AffineEvaluation(h, LIMBS, bytePlaces, -(1 << (fraction + 7)));
        columnAt[c].challenge <== challenge;
        for (var j = 0; j < h; j++) {
            columnAt[c].part[j] <== secondLimb[j][c];
        }
    }
    component slopeAt[n];
    component gradientAt[n];
    signal slopeSum[n][k + 1];
    signal gradient[n][h];
    for (var i = 0; i < n; i++) {
        slopeAt[i] = RoundedEvaluation(h, 3, slopePlaces, -(1 << 23), FRACTION);
        slopeAt[i].part <== slopeLimb[i];
        slopeAt[i].remainder <== slopeRemainder[i];
        slopeAt[i].challenge <== challenge;
        gradientAt[i] = Evaluation(h);
        gradientAt[i].challenge <== challenge;
        for (var j = 0; j < h; j++) {
            var signed = -(1 << 23);
            for (var s = 0; s < 3; s++) {
                signed += slopeLimb[i][j][s] * (1 << (8 * s));
            }
            gradient[i][j] <== active[i][j] * signed;
            gradientAt[i].in[j] <== gradient[i][j];
        }
        slopeSum[i][0] <== 0;
        for (var c = 0; c < k; c++) {
            slopeSum[i][c + 1] <== slopeSum[i][c] + error[i][c] * columnAt[c].out;
        }
        slopeSum[i][k] === slopeAt[i].out;
    }

    // X^T g, feature by feature: rate times it is what W loses.
    component firstStepAt[d];
    signal firstGradient[d - 1][n + 1];
    var biasGradient = 0;
    for (var i = 0; i < n; i++) {
        biasGradient += 255 * gradientAt[i].out;
    }
    for (var l = 0; l < d; l++) {
        firstStepAt[l] = RoundedEvaluation(h, 2 * LIMBS, differencePlaces, 0, FIRST_BYTES);
        firstStepAt[l].remainder <== firstRemainder[l];
        firstStepAt[l].challenge <== challenge;
        for (var j = 0; j < h; j++) {
            for (var s = 0; s < LIMBS; s++) {
                firstStepAt[l].part[j][s] <== firstLimb[l][j][s];
                firstStepAt[l].part[j][LIMBS + s] <== nextFirstLimb[l][j][s];
            }
        }
        if (l < d - 1) {
            firstGradient[l][0] <== 0;
            for (var i = 0; i < n; i++) {
                firstGradient[l][i + 1] <== firstGradient[l][i] + x[i][l] * gradientAt[i].out;
            }
            rate * firstGradient[l][n] === firstStepAt[l].out;
        } else {
            rate * biasGradient === firstStepAt[l].out;
        }
    }

    // A^T e~, hidden unit by hidden unit: rate times it is what V loses.
    component secondStepAt[h + 1];
    signal secondGradient[h][n + 1];
    var unitGradient = 0;
    for (var i = 0; i < n; i++) {
        unitGradient += ONE * errorAt[i].out;
    }
    for (var j = 0; j <= h; j++) {
        secondStepAt[j] = RoundedEvaluation(k, 2 * LIMBS, differencePlaces, 0, SECOND_BYTES);
        secondStepAt[j].remainder <== secondRemainder[j];
        secondStepAt[j].challenge <== challenge;
        for (var c = 0; c < k; c++) {
            for (var s = 0; s < LIMBS; s++) {
                secondStepAt[j].part[c][s] <== secondLimb[j][c][s];
                secondStepAt[j].part[c][LIMBS + s] <== nextSecondLimb[j][c][s];
            }
        }
        if (j < h) {
            secondGradient[j][0] <== 0;
            for (var i = 0; i < n; i++) {
                secondGradient[j][i + 1] <== secondGradient[j][i] + (active[i][j] + relu[i][j].excess) * errorAt[i].out;
            }
            rate * secondGradient[j][n] === secondStepAt[j].out;
        } else {
            rate * unitGradient === secondStepAt[j].out;
        }
    }
}
