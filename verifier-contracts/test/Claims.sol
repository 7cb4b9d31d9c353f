// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Proof} from "../src/IVerifier.sol";
import {RewardDistributor} from "../src/RewardDistributor.sol";
import {House} from "./House.sol";

/// @title What claims of several words are made of
abstract contract Claims is House {
    uint256 internal constant LAST = ACTIVE + 100 days;
    uint256 internal constant COUNT = 5;

    function _one(
        uint256 epoch,
        uint256[] memory words,
        uint256 index
    ) internal pure returns (RewardDistributor.Claim memory) {
        return RewardDistributor.Claim(epoch, words[index], _siblings(epoch, words, index));
    }

    /// @dev The word at `index` of two epochs with the same words.
    function _two(
        uint256 first,
        uint256 second,
        uint256[] memory words,
        uint256 index
    ) internal pure returns (RewardDistributor.Claim[] memory claims) {
        claims = new RewardDistributor.Claim[](2);
        (claims[0], claims[1]) = (_one(first, words, index), _one(second, words, index));
    }

    /// @dev The EIP-712 digest by plain recomputation: a second opinion on the contract's.
    function _claimDigest(
        address target,
        address wallet,
        address recipient,
        RewardDistributor.Claim[] memory claims,
        uint256 deadline
    ) internal view returns (bytes32) {
        bytes memory epochs;
        bytes memory words;
        for (uint256 i = 0; i < claims.length; ++i) {
            epochs = abi.encodePacked(epochs, claims[i].epoch);
            words = abi.encodePacked(words, claims[i].word);
        }
        bytes32 kind = keccak256(
            "ClaimTo(address wallet,address recipient,uint256[] epochs,uint256[] words,uint256 deadline)"
        );
        bytes32 body = keccak256(
            abi.encode(kind, wallet, recipient, keccak256(epochs), keccak256(words), deadline)
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Claims"),
                keccak256("1"),
                block.chainid,
                target
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, body));
    }

    function _signClaim(
        uint256 key,
        address recipient,
        RewardDistributor.Claim[] memory claims,
        uint256 deadline
    ) internal view returns (bytes memory) {
        bytes32 digest = _claimDigest(address(distributor), vm.addr(key), recipient, claims, deadline);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Moves a contribution from the wallet of `fromKey` to that of `toKey`.
    function _rotate(uint256 epoch, uint256 index, uint256 fromKey, uint256 toKey) internal {
        address from = vm.addr(fromKey);
        bytes32 body = keccak256(
            abi.encode(
                registry.ROTATE_TYPEHASH(),
                epoch,
                index,
                from,
                vm.addr(toKey),
                registry.nonces(from),
                type(uint256).max
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("OpenLedger Contributions"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", domain, body));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(fromKey, digest);
        bytes memory fromSignature = abi.encodePacked(r, s, v);
        (v, r, s) = vm.sign(toKey, digest);
        registry.rotateWallet(
            epoch,
            index,
            vm.addr(toKey),
            type(uint256).max,
            fromSignature,
            abi.encodePacked(r, s, v)
        );
    }

    /// @dev An epoch of one contribution, of `wallet`, that pays all but the dust to it.
    function _postedFor(address wallet) internal returns (uint256 epoch, uint256[] memory words) {
        epoch = registry.openEpoch(_policy());
        _contributeAs(epoch, 0, wallet);
        registry.closeEpoch(epoch);
        _postCheckpoint(epoch);
        _commitQueries(epoch);
        _postQueries(epoch);
        _postAttribution(epoch);
        _fund(epoch, POOL);
        words = _payoutWords(1);
        _post(epoch, words);
    }

    /// @dev An attributed and funded epoch with a good proof for its words.
    function _ready()
        internal
        returns (uint256 epoch, uint256[] memory words, uint256[7] memory publics, Proof memory proof)
    {
        epoch = _attributed(COUNT);
        _fund(epoch, POOL);
        words = _payoutWords(COUNT);
        publics = _payoutPublics(epoch, words, 0, PAGE);
        proof = _payoutProof(epoch, publics, words);
    }

    function _status(
        uint256 epoch,
        RewardDistributor.Status expected,
        RewardDistributor.Status actual
    ) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(RewardDistributor.WrongStatus.selector, epoch, expected, actual);
    }

    function _invalid(uint256 epoch, uint256 word, bytes32[] memory proof) internal {
        vm.expectRevert(abi.encodeWithSelector(RewardDistributor.ClaimInvalid.selector, epoch, word));
        distributor.claim(epoch, word, proof);
    }
}
