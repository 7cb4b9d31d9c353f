pragma circom 2.1.6;

include "../gadgets/limbs.circom";
include "../gadgets/lookup.circom";
include "../gadgets/permutation.circom";
include "../gadgets/projection.circom";
include "../gadgets/sortedness.circom";
include "../gadgets/sponge.circom";
include "../gadgets/tags.circom";

/// The value of all neighbours agreeing, as an integer: lcm(1, ..., 82), below 2^117.
function knnUnit() {
    return 97301577764381948734868316916891200;
}

/// What a match is worth in excess of the next one at a rank counted from 1: unit / max(K, rank), rounded to the nearest, a half up.
function knnCoefficient(K, rank) {
    var divisor = rank < K ? K : rank;
    return (2 * knnUnit() + divisor) \ (2 * divisor);
}

/// Bytes of an integer below `limit`.
function bytesBelow(limit) {
    var bytes = 1;
    while ((1 << (8 * bytes)) < limit) {
        bytes++;
    }
    return bytes;
}

/// @title   The commitment of rows with one-hot labels
/// @notice  out = H(tagRows, n + 2^32 d + 2^48 k + 2^64 weightBits, salt, packed rows), label_i = sum_{c>=1} c target_ic
/// @param   n, d, k, weightBits   as in Contribution
/// @input   x, weight   ASSUMED in [0, 256): constrained by the caller, so that each packed element has one opening
/// @input   target      one-hot labels without class 0, which adds nothing to the sum. ASSUMED one-hot: constrained by the caller
/// @input   salt        untrusted field element
/// @output  out         unique
/// @soundness no `<--`
/// @cost    609 for each 15 elements of 31 bytes
/// @source  PROTOCOL, section 3; `contribution`
template RowsCommit(n, d, k, weightBits) {
    var ROW_BYTES = d + 1;
    var ELEMENTS = packedCount(n * ROW_BYTES, 8);

    signal input x[n][d - 1];
    signal input target[n][k - 1];
    signal input weight[n];
    signal input salt;
    signal output out;

    component hash = Sponge(tagRows(), 2 + ELEMENTS);
    hash.in[0] <== n + (1 << 32) * d + (1 << 48) * k + (1 << 64) * weightBits;
    hash.in[1] <== salt;
    for (var element = 0; element < ELEMENTS; element++) {
        var packed = 0;
        for (var place = 0; place < 31; place++) {
            var position = 31 * element + place;
            if (position < n * ROW_BYTES) {
                var i = position \ ROW_BYTES;
                var j = position % ROW_BYTES;
                if (j < d - 1) {
                    packed += x[i][j] * (1 << (8 * place));
                } else if (j == d - 1) {
                    for (var c = 1; c < k; c++) {
                        packed += c * target[i][c - 1] * (1 << (8 * place));
                    }
                } else {
                    packed += weight[i] * (1 << (8 * place));
                }
            }
        }
        hash.in[2 + element] <== packed;
    }
    out <== hash.out;
}

/// @title   One of each class
/// @notice  target_ic is 0 or 1 and sum_c target_ic = 1
/// @input   target   untrusted
/// @soundness no `<--`
/// @cost    n k non-linear, n linear
template OneHot(n, k) {
    signal input target[n][k];

    for (var i = 0; i < n; i++) {
        var classes = 0;
        for (var c = 0; c < k; c++) {
            target[i][c] * (target[i][c] - 1) === 0;
            classes += target[i][c];
        }
        classes === 1;
    }
}

/// @title   An affine combination of a list
/// @notice  out = sum_q s_q in_q, s_q = challenge^q for q >= 1 and sum_q s_q = 1: out = in_0 + sum_{q>=1} challenge^q (in_q - in_0).
///          Weights that add up to 1 carry what all elements share: sum_q s_q |x - y_q|^2 = |x|^2 - 2 <x, sum_q s_q y_q> + sum_q s_q |y_q|^2
/// @param   count       at least 2 (assert)
/// @input   in          ASSUMED to be fixed before the challenge (functions of committed inputs)
/// @input   challenge   derived from the commitment to all of them
/// @output  out         unique
/// @soundness no `<--`. Two lists that differ by e_q have combinations that differ by e_0 + sum_{q>=1} challenge^q (e_q - e_0): as a polynomial this is zero only
///          if e_0 = 0 and every e_q = e_0. So they agree with probability (count - 1)/r
/// @cost    count - 1 non-linear, if the inputs are bare wires
/// @source  PROTOCOL, section 5: Horner's rule as in `Evaluation`
template AffineCombination(count) {
    assert(count >= 2);

    signal input in[count];
    signal input challenge;
    signal output out;

    signal partial[count];
    partial[0] <== 0;
    for (var q = count - 1; q >= 2; q--) {
        partial[count - q] <== (partial[count - q - 1] + in[q] - in[0]) * challenge;
    }
    partial[count - 1] <== in[0] + (partial[count - 2] + in[1] - in[0]) * challenge;
    out <== partial[count - 1];
}

/// @title   knn-shapley: the KNN-Shapley values of committed rows for committed queries, summed by contribution
/// @notice  N = C n rows in the order of the list. For query q they are ranked 1 to N by (|x_i - y_q|^2, i), rows of weight 0 after all others; m_r = 1 if the
///          row of rank r has weight 1 and the label of the query, else 0. Its value is
///              s_r = s_{r+1} + c_r (m_r - m_{r+1}),   s_{N+1} = m_{N+1} = 0,   c_r = unit / max(K, r) rounded to the nearest integer, unit = lcm(1, ..., 82),
///          S_c = sum_q w_q (sum of the values of the rows of contribution c); scoreCommit = H(tagScores, count + 2^32 C, 0, S_0, ..., S_{C-1}): one page, as in
///          `score`; queryCommit = H(tagRows, ...) of the queries with 8-bit weights; the words are the rowsCommits of the listed contributions
/// @param   C, n         contributions and rows of each, C n < 2^20 (assert of GrandProduct)
/// @param   d, k         features with the bias, 2 <= d <= 256; classes, 2 <= k <= 16 (asserts)
/// @param   Q, K         queries, at least 2; neighbours that vote, 1 <= K <= 82, so that K divides unit; 255 Q n unit / K < 2^144, which bounds a score since
///                       |s_r| <= unit / K; Q N < 2^32 (asserts)
/// @param   empty        the commitment of n rows that are all zero, with salt 0
/// @input   everything private is untrusted and committed
/// @output  all public signals are determined by the committed inputs, and those by the commitments: scoreCommit is a function of the words and queryCommit
/// @soundness no `<--` but the two of RangeLookup. Features, query weights and gaps are bytes by lookup, labels one-hot, weights of rows binary; so each
///          packed element has one opening, and words and queryCommit fix the rows. That `contribution` accepted
///          them is the caller's to check.
///          Order and match of row i for query q stand in one committed integer, measure_qi = 2 N (|x_i - y_q|^2 + (1 - w_i) ABSENT) + match. All of them are
///          proven by one projection: their combination with weights s_q that add up to 1 is, for each row, sum_j x_ij (x_ij - 2 sum_q s_q y_qj) + ...: d - 1 products
///          whatever the number of queries. Fixed before the challenge, every measure is exact (AffineCombination), but with probability N (Q - 1)/r.
///          Ranked list: keys strictly increasing (StrictlyIncreasing), matches binary, pairs (2 key + match, value) a permutation of (measure + 2 i, value) (GrandProduct).
///          Both sides are integers below 2^76 without wrap, so key and match are the quotient and the remainder by 2. The key N distance + i holds the index: keys
///          are distinct, each row has one rank, and the value that stands with it is that of its rank. Values of ranks are functions of the committed matches.
///          In all, a false statement passes with probability below (Q N (2^20 + 2) + lookups + 256 + C) / r, below 2^-200
/// @edge    Ties in distance go to the earlier row of the list. A row of weight 0 never matches and comes after every other row: it is worth 0 and changes nobody's
///          value, as if it were not there. An empty place holds such rows only (its commitment is `empty`): score 0. A query of weight 0 pays nothing:
///          so a single query is a batch of two. Public signals that are all zero are a preimage of the hash.
///          Rank N: c_N = unit / max(K, N), the same rule. Fewer rows than K: they share K votes.
///          Exactness: for up to 82 rows of weight 1 the value is unit times the rational value of the source. For N of them, each c_r with r > 82 is off by at most
///          1/2 and each value by at most (N - 82)/2, below 2^-97 unit. The integer rule above is what is proven, and it leaves no choice; exact fractions would need lcm(1, ..., N),
///          about 1.44 N bits, where scores have 144.
/// @cost    per row d - 1 + 2 k + 1 for the first query and for each query 6 + LIMBS non-linear (LIMBS bytes of a gap: 4 up to 512 rows at d = 64), one
///          linear per row and query; the openings: 40 for each 31 bytes and a lookup a feature. Figures: test/soundness/knn-shapley.test.ts
/// @source  Jia, Dao, Wang, Hubis, Gurel, Li, Zhang, Spanos, Song: Efficient task-specific data valuation for nearest neighbor algorithms (VLDB 2019), theorem 1:
///          s_r - s_{r+1} = (m_r - m_{r+1}) / K min(K, r) / r, and min(K, r) / (K r) = 1 / max(K, r)
template KnnShapley(C, n, d, k, Q, K, empty) {
    var N = C * n;
    var ABSENT = 65025 * (d - 1) + 1; // beyond every distance
    var LIMBS = bytesBelow(2 * N * ABSENT);
    var LOOKUPS = N * (d - 1) + Q * d + Q * N * LIMBS;
    assert(C >= 1 && n >= 1 && Q >= 2 && K >= 1 && K <= 82);
    assert(d >= 2 && d <= 256);
    assert(k >= 2 && k <= 16);
    assert(255 * Q * n * (knnUnit() \ K) < (1 << 144));
    assert(Q * N < (1 << 32));

    signal input scoreCommit;
    signal input queryCommit;
    signal input evaluation;
    signal input challenge;

    signal input blind;
    signal input active[C];
    signal input salt[C];
    signal input x[N][d - 1];
    signal input target[N][k];
    signal input weight[N];
    signal input querySalt;
    signal input queryX[Q][d - 1];
    signal input queryTarget[Q][k];
    signal input queryWeight[Q];
    signal input measure[Q][N];
    signal input gapLimb[Q][N][LIMBS];
    signal input match[Q][N];
    signal input value[Q][N];
    signal input multiplicity[256];

    signal hidden <== blind * blind;

    // Range checks.
    component range = RangeLookup(LOOKUPS, 8);
    range.challenge <== challenge;
    range.multiplicity <== multiplicity;
    var looked = 0;
    for (var i = 0; i < N; i++) {
        for (var j = 0; j < d - 1; j++) {
            range.in[looked] <== x[i][j];
            looked++;
        }
        weight[i] * (weight[i] - 1) === 0;
    }
    for (var q = 0; q < Q; q++) {
        for (var j = 0; j < d - 1; j++) {
            range.in[looked] <== queryX[q][j];
            looked++;
        }
        range.in[looked] <== queryWeight[q];
        looked++;
        for (var r = 0; r < N; r++) {
            for (var s = 0; s < LIMBS; s++) {
                range.in[looked] <== gapLimb[q][r][s];
                looked++;
            }
            match[q][r] * (match[q][r] - 1) === 0;
        }
    }
    assert(looked == LOOKUPS);
    component labels = OneHot(N, k);
    labels.target <== target;
    component queryLabels = OneHot(Q, k);
    queryLabels.target <== queryTarget;

    // The rows of the list and the queries.
    component opening[C];
    component list = Evaluation(C);
    list.challenge <== challenge;
    var count = 0;
    for (var c = 0; c < C; c++) {
        active[c] * (active[c] - 1) === 0;
        count += active[c];
        opening[c] = RowsCommit(n, d, k, 1);
        opening[c].salt <== salt[c];
        for (var i = 0; i < n; i++) {
            opening[c].x[i] <== x[c * n + i];
            opening[c].weight[i] <== weight[c * n + i];
            for (var class = 1; class < k; class++) {
                opening[c].target[i][class - 1] <== target[c * n + i][class];
            }
        }
        list.in[c] <== opening[c].out - empty * (1 - active[c]);
    }
    evaluation === list.out;
    component queries = RowsCommit(Q, d, k, 8);
    queries.salt <== querySalt;
    queries.x <== queryX;
    for (var q = 0; q < Q; q++) {
        for (var class = 1; class < k; class++) {
            queries.target[q][class - 1] <== queryTarget[q][class];
        }
    }
    queries.weight <== queryWeight;
    queryCommit === queries.out;

    // The combined query: features, squared norm, and what a match with each class counts.
    component centre[d - 1];
    component classShare[k];
    component norm = AffineCombination(Q);
    signal square[Q][d];
    norm.challenge <== challenge;
    for (var j = 0; j < d - 1; j++) {
        centre[j] = AffineCombination(Q);
        centre[j].challenge <== challenge;
    }
    for (var c = 0; c < k; c++) {
        classShare[c] = AffineCombination(Q);
        classShare[c].challenge <== challenge;
    }
    for (var q = 0; q < Q; q++) {
        square[q][0] <== 0;
        for (var j = 0; j < d - 1; j++) {
            square[q][j + 1] <== square[q][j] + queryX[q][j] * queryX[q][j];
            centre[j].in[q] <== queryX[q][j];
        }
        norm.in[q] <== square[q][d - 1];
        for (var c = 0; c < k; c++) {
            classShare[c].in[q] <== queryTarget[q][c];
        }
    }

    // Measures: all queries of a row in one equation. The sums step through wires, so that no line is long.
    component measured[N];
    signal distance[N][d];
    signal shared[N][k + 1];
    for (var i = 0; i < N; i++) {
        measured[i] = AffineCombination(Q);
        measured[i].challenge <== challenge;
        for (var q = 0; q < Q; q++) {
            measured[i].in[q] <== measure[q][i];
        }
        distance[i][0] <== 0;
        for (var j = 0; j < d - 1; j++) {
            distance[i][j + 1] <== distance[i][j] + x[i][j] * (x[i][j] - 2 * centre[j].out);
        }
        shared[i][0] <== 0;
        for (var c = 0; c < k; c++) {
            shared[i][c + 1] <== shared[i][c] + target[i][c] * classShare[c].out;
        }
        weight[i] * shared[i][k] === measured[i].out - 2 * N * (distance[i][d - 1] + norm.out + ABSENT * (1 - weight[i]));
    }

    // Ranks and values, query by query. credit = challenge value.
    signal far[21];
    far[0] <== challenge;
    for (var e = 1; e <= 20; e++) {
        far[e] <== far[e - 1] * far[e - 1];
    }
    var rowOffset[N];
    var rankOffset[N];
    for (var i = 0; i < N; i++) {
        rowOffset[i] = 2 * i;
        rankOffset[i] = 0;
    }
    component order[Q];
    component rows[Q];
    component ranks[Q];
    signal credit[Q][N];
    signal rankCredit[Q][N + 1];
    for (var q = 0; q < Q; q++) {
        rows[q] = GrandProduct(N, 2, [1, 1], rowOffset);
        rows[q].point <== far[20];
        for (var i = 0; i < N; i++) {
            credit[q][i] <== challenge * value[q][i];
            rows[q].part[i][0] <== measure[q][i];
            rows[q].part[i][1] <== credit[q][i];
        }
        order[q] = StrictlyIncreasing(N, LIMBS);
        order[q].limb <== gapLimb[q];
        ranks[q] = GrandProduct(N, 3, [2, 1, 1], rankOffset);
        ranks[q].point <== far[20];
        rankCredit[q][N] <== 0;
        for (var r = N - 1; r >= 0; r--) {
            var next = r == N - 1 ? 0 : match[q][r + 1];
            rankCredit[q][r] <== rankCredit[q][r + 1] + challenge * (knnCoefficient(K, r + 1) * (match[q][r] - next));
            ranks[q].part[r][0] <== order[q].key[r];
            ranks[q].part[r][1] <== match[q][r];
            ranks[q].part[r][2] <== rankCredit[q][r];
        }
        rows[q].out === ranks[q].out;
    }

    // Scores.
    signal score[C][Q + 1];
    component scores = Sponge(tagScores(), 2 + C);
    scores.in[0] <== count + (1 << 32) * C;
    scores.in[1] <== 0;
    for (var c = 0; c < C; c++) {
        score[c][0] <== 0;
        for (var q = 0; q < Q; q++) {
            var sum = 0;
            for (var i = 0; i < n; i++) {
                sum += value[q][c * n + i];
            }
            score[c][q + 1] <== score[c][q] + queryWeight[q] * sum;
        }
        scores.in[2 + c] <== score[c][Q];
    }
    scoreCommit === scores.out;
}
