pragma circom 2.1.6;

/// Domain tags of the sponge: ASCII names as big-endian integers. The same names stand in circuits/sponge.ts.
function tagRows() {
    return 578624617391782674558465550710699891; // "openledger.rows"
}

function tagStats() {
    return 148127902052296364686967180986316584051; // "openledger.stats"
}

function tagModel() {
    return 148127902052296364686967180960463086956; // "openledger.model"
}

function tagScores() {
    return 37920742925387869359863598332424265819507; // "openledger.scores"
}
