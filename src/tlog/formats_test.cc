// Notes, keys, checkpoints, policies, proofs and witness requests: the examples that the
// specifications print, the rules they state, and what must be refused.
#include <gtest/gtest.h>

#include <bit>

#include "base/endian.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "tlog/policy.h"
#include "tlog/secret_mint.h"
#include "tlog/signer_key.h"
#include "tlog/tlog_proof.h"
#include "tlog/witness_request.h"

namespace salus::tlog {
namespace {

constexpr std::string_view kFooVkey =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr std::string_view kFooNote =
    "This is an example message.\n\n\xe2\x80\x94 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n";
constexpr Timestamp kNow = Timestamp(std::chrono::milliseconds(1'700'000'000'500));

SignerKey MakeSigner(std::string_view name, SignatureType type, std::uint8_t seed) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(seed);
  return SignerKey::Create(name, type, crypto::Ed25519PrivateKey::FromSeed(SecretArray<32>(bytes)))
      .value();
}

std::string Signed(std::string_view text, std::initializer_list<const SignerKey*> signers) {
  Note note = Note::Create(text).value();
  for (const SignerKey* signer : signers) {
    EXPECT_TRUE(note.Add(signer->Sign(text, kNow).value()).has_value());
  }
  return note.ToText();
}

Result<std::vector<VerifiedSignature>> VerifyWith(std::string_view note,
                                                  std::vector<VerifierKey> keys) {
  TRY(const Note parsed, Note::Parse(note));
  return parsed.Verify(keys);
}

TEST(VerifierKey, ReadsTheExampleOfTheSpecification) {
  const auto key = VerifierKey::Parse(kFooVkey);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->name(), "example.com/foo");
  EXPECT_EQ(key->id(), KeyId{0x530d903a});
  EXPECT_EQ(key->type(), SignatureType::kEd25519);
  EXPECT_EQ(key->ToText(), kFooVkey);
}

TEST(VerifierKey, RefusesEverythingElse) {
  const std::string tail = "+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  for (const std::string& text : std::vector<std::string>{
           std::string(), std::string("example.com/foo"), "example.com/foo+530d903a",
           "example.com/foo+530d903b" + tail, "example.com/foo+530D903A" + tail,
           "example.com/bar+530d903a" + tail, "+530d903a" + tail, "a b+530d903a" + tail,
           "example.com/foo+530d903a" + tail + "=", "example.com/foo+530d903a+AekyeRrm",
           "example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"}) {
    EXPECT_FALSE(VerifierKey::Parse(text).has_value()) << text;
  }
}

TEST(KeyName, HasNoSpacesOfAnyKind) {
  for (const char* name : {"a", "example.com/log", "\xc3\xa9", "a-b_c~d"}) {
    EXPECT_TRUE(CheckKeyName(name).has_value()) << name;
  }
  for (const char* name : {"", " ", "a b", "a+b", "a\tb", "a\nb",
                           "a\xc2\xa0"
                           "b",
                           "a\xe2\x80\x83", "\xe3\x80\x80", "\xff", "a\xc2\x85"}) {
    EXPECT_FALSE(CheckKeyName(name).has_value()) << name;
  }
  EXPECT_FALSE(CheckKeyName(std::string(256, 'a')).has_value());
}

TEST(Note, TheExampleOfTheSpecificationVerifies) {
  const auto note = Note::Parse(kFooNote);
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->text(), "This is an example message.\n");
  EXPECT_EQ(note->ToText(), kFooNote);
  const auto verified = VerifyWith(kFooNote, {VerifierKey::Parse(kFooVkey).value()});
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(*verified, (std::vector<VerifiedSignature>{{0, std::nullopt}}));
}

TEST(Note, RefusesWhatIsNoNote) {
  const std::string good(kFooNote);
  const std::string line = good.substr(good.find("\n\n") + 2);
  for (const std::string& text : std::vector<std::string>{
           std::string(),
           std::string("text\n"),
           "text\n" + line,
           good.substr(0, good.size() - 1),
           good + "\n",
           good + "x",
           good + "\n\n",
           "\r" + good,
           "a\tb" + good,
           "\xff" + good,
           std::string("text\n\n"),
           std::string("text\n\n- name AAAAAAA=\n"),
           std::string("text\n\n\xe2\x80\x94 name \n"),
           std::string("text\n\n\xe2\x80\x94 name AAAAAA==\n"),   // four bytes: no signature
           std::string("text\n\n\xe2\x80\x94  name AAAAAAA=\n"),  // an empty name
           std::string("text\n\n\xe2\x80\x94 na+me AAAAAAA=\n"),
           std::string("text\n\n\xe2\x80\x94 name AAAAAAB=\n"),  // spare bits
           std::string("text\n\n\xe2\x80\x94 name AAAAAAA=\r\n"),
       }) {
    EXPECT_FALSE(Note::Parse(text).has_value()) << text;
  }
  EXPECT_TRUE(Note::Parse("text\n\n\xe2\x80\x94 name AAAAAAA=\n").has_value());
}

TEST(Note, TheLastEmptyLineParts) {
  const SignerKey signer = MakeSigner("a", SignatureType::kEd25519, 1);
  const std::string text = "one\n\ntwo\n";
  const std::string note = Signed(text, {&signer});
  EXPECT_EQ(Note::Parse(note)->text(), text);
  EXPECT_TRUE(VerifyWith(note, {signer.verifier()}).has_value());
}

TEST(Note, UnknownKeysArePassedOverAndKnownOnesMustVerify) {
  const SignerKey a = MakeSigner("a", SignatureType::kEd25519, 1);
  const SignerKey b = MakeSigner("b", SignatureType::kCosignature, 2);
  const std::string note = Signed("text\n", {&a, &b});
  EXPECT_EQ(VerifyWith(note, {a.verifier()}).value(),
            (std::vector<VerifiedSignature>{{0, std::nullopt}}));
  EXPECT_EQ(VerifyWith(note, {b.verifier(), a.verifier()}).value(),
            (std::vector<VerifiedSignature>{{1, std::nullopt}, {0, 1'700'000'000}}));

  const SignerKey other = MakeSigner("c", SignatureType::kEd25519, 3);
  EXPECT_EQ(VerifyWith(note, {other.verifier()}).error().code, ErrorCode::kVerificationFailed);
  // Another key under a known name is unknown.
  const SignerKey same_name = MakeSigner("a", SignatureType::kEd25519, 4);
  EXPECT_FALSE(VerifyWith(note, {same_name.verifier()}).has_value());
  EXPECT_FALSE(VerifyWith(note, {a.verifier(), a.verifier()}).has_value());

  // One failing known signature refuses the note, though another verifies.
  Note bad = Note::Parse(note).value();
  NoteSignature forged = a.Sign("other\n", kNow).value();
  ASSERT_TRUE(bad.Add(forged).has_value());
  EXPECT_FALSE(bad.Verify(std::vector{a.verifier(), b.verifier()}).has_value());
  EXPECT_TRUE(bad.Verify(std::vector{b.verifier()}).has_value());
}

TEST(Note, ChangedTextNameOrSignatureFails) {
  const SignerKey a = MakeSigner("a", SignatureType::kEd25519, 1);
  const SignerKey b = MakeSigner("a", SignatureType::kCosignature, 1);
  for (const SignerKey* signer : {&a, &b}) {
    const std::string note = Signed("text\n", {signer});
    ASSERT_TRUE(VerifyWith(note, {signer->verifier()}).has_value());
    for (std::size_t i = 0; i < note.size(); ++i) {
      for (const int flip : {0x01, 0x20}) {
        std::string mutant = note;
        mutant[i] = static_cast<char>(mutant[i] ^ flip);
        EXPECT_FALSE(VerifyWith(mutant, {signer->verifier()}).has_value()) << i;
      }
    }
  }
}

TEST(Note, TakesSixtyFourSignaturesAndNoMore) {
  const SignerKey a = MakeSigner("a", SignatureType::kEd25519, 1);
  Note note = Note::Create("text\n").value();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(note.Add(a.Sign("text\n", kNow).value()).has_value());
  EXPECT_TRUE(Note::Parse(note.ToText()).has_value());
  EXPECT_FALSE(note.Add(a.Sign("text\n", kNow).value()).has_value());
  EXPECT_FALSE(Note::Parse(note.ToText() + a.Sign("text\n", kNow)->Line()).has_value());
}

TEST(Cosignature, MessageIsThatOfTheSpecification) {
  EXPECT_EQ(CosignatureMessage(1679315147,
                               "example.com/behind-the-sofa\n20852163\n"
                               "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"),
            "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
            "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
}

TEST(Cosignature, TheNewestTimeCountsAndTheTimeIsSigned) {
  const SignerKey witness = MakeSigner("w", SignatureType::kCosignature, 9);
  Note note = Note::Create("text\n").value();
  for (const int hours : {0, 2, 1}) {
    ASSERT_TRUE(note.Add(witness.Sign("text\n", kNow + std::chrono::hours(hours)).value()));
  }
  EXPECT_EQ(note.Verify(std::vector{witness.verifier()}).value(),
            (std::vector<VerifiedSignature>{{0, 1'700'007'200}}));
  NoteSignature moved = witness.Sign("text\n", kNow).value();
  moved.signature[7] ^= 1;
  Note forged = Note::Create("text\n").value();
  ASSERT_TRUE(forged.Add(moved).has_value());
  EXPECT_FALSE(forged.Verify(std::vector{witness.verifier()}).has_value());
  EXPECT_FALSE(witness.Sign("text\n", Timestamp(std::chrono::milliseconds(-1))).has_value());
}

// Signed as it should be, but with a time that no clock shows.
TEST(Cosignature, TimesAboveTheLimitFail) {
  std::array<std::uint8_t, 32> seed;
  seed.fill(9);
  const auto key = crypto::Ed25519PrivateKey::FromSeed(SecretArray<32>(seed));
  const auto verifier =
      VerifierKey::Create("w", SignatureType::kCosignature, key.public_key()).value();
  const std::uint64_t limit = std::uint64_t{1} << 63;
  for (const std::uint64_t time : {limit - 1, limit}) {
    Bytes signature;
    AppendBe(signature, time);
    Append(signature, key.Sign(AsBytes(CosignatureMessage(time, "text\n"))));
    EXPECT_EQ(verifier.Verify("text\n", signature).has_value(), time < limit);
  }
}

TEST(SignerKey, TextComesBack) {
  for (const auto type : {SignatureType::kEd25519, SignatureType::kCosignature}) {
    const SignerKey signer = MakeSigner("example.com/log", type, 7);
    const SecretBytes text = signer.ToText();
    const auto view = text.view(TlogSecrets::Token());
    EXPECT_TRUE(AsText(view).starts_with("PRIVATE+KEY+example.com/log+"));
    const auto parsed = SignerKey::Parse(text);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->verifier(), signer.verifier());
    EXPECT_EQ(parsed->Sign("text\n", kNow).value(), signer.Sign("text\n", kNow).value());
    for (std::size_t i = 0; i < view.size(); ++i) {
      Bytes damaged = ToBytes(view);
      damaged[i] ^= 1;
      EXPECT_FALSE(SignerKey::Parse(SecretBytes(damaged)).has_value()) << i;
    }
  }
}

// The key pair of golang.org/x/mod/sumdb/note's documentation.
TEST(SignerKey, ReadsTheTextOfTheGoLibrary) {
  const auto signer = SignerKey::Parse(SecretBytes(
      AsBytes("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")));
  ASSERT_TRUE(signer.has_value());
  EXPECT_EQ(signer->verifier().ToText(),
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
}

constexpr std::string_view kEmptyRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

TEST(Checkpoint, ReadsAndWrites) {
  const std::string body =
      "go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n";
  const auto checkpoint = Checkpoint::Parse(body);
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->origin, "go.sum database tree");
  EXPECT_EQ(checkpoint->size, TreeSize{35225469});
  EXPECT_EQ(checkpoint->Body(), body);
  const auto extended = Checkpoint::Parse(body + "one\ntwo\n");
  ASSERT_TRUE(extended.has_value());
  EXPECT_EQ(extended->extensions, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(extended->Body(), body + "one\ntwo\n");
  const Checkpoint empty{"o", {0}, merkle::EmptyRoot(), {}};
  EXPECT_EQ(empty.Body(), "o\n0\n" + std::string(kEmptyRoot) + "\n");
}

TEST(Checkpoint, RefusesEverythingElse) {
  const std::string root(kEmptyRoot);
  for (const std::string& body : std::vector<std::string>{std::string(),
                                                          std::string("o"),
                                                          std::string("o\n"),
                                                          std::string("o\n0\n"),
                                                          "\n0\n" + root + "\n",
                                                          "o\n0\n" + root,
                                                          "o\n00\n" + root + "\n",
                                                          "o\n01\n" + root + "\n",
                                                          "o\n+1\n" + root + "\n",
                                                          "o\n-1\n" + root + "\n",
                                                          "o\n\n" + root + "\n",
                                                          "o\n1 \n" + root + "\n",
                                                          "o\n0x1\n" + root + "\n",
                                                          "o\n9223372036854775809\n" + root + "\n",
                                                          "o\n99999999999999999999\n" + root + "\n",
                                                          "o\n0\n" + root + "\n\n",
                                                          "o\n0\n" + root + "\nx",
                                                          "o\n0\n" + root.substr(1) + "\n",
                                                          "o\n0\nAAAA\n",
                                                          "o\n0\n " + root + "\n"}) {
    EXPECT_FALSE(Checkpoint::Parse(body).has_value()) << body;
  }
  EXPECT_TRUE(Checkpoint::Parse("o\n9223372036854775808\n" + root + "\n").has_value());
}

// A policy with one log, three witnesses of one operator, two of another.
struct PolicyFixture {
  SignerKey log = MakeSigner("example.com/log", SignatureType::kEd25519, 1);
  std::vector<SignerKey> witnesses;
  std::string text;

  PolicyFixture() {
    text = "# comment\n\n\tlog " + log.verifier().ToText() + " https://log.example/ \n";
    for (const char* name : {"X1", "X2", "X3", "Y1", "Y2"}) {
      const auto seed = static_cast<std::uint8_t>(10 + witnesses.size());
      witnesses.push_back(
          MakeSigner(std::string(name) + ".example", SignatureType::kCosignature, seed));
      text += "witness " + std::string(name) + "  " + witnesses.back().verifier().ToText() + "\n";
    }
    text += "group X 2 X1 X2 X3\ngroup Y any Y1 Y2\ngroup X-and-Y all X Y\nquorum X-and-Y\n";
  }
};

TEST(Policy, ExampleOfTheSpecification) {
  const PolicyFixture f;
  const auto policy = Policy::Parse(f.text);
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  EXPECT_EQ(policy->logs().size(), 1u);
  EXPECT_EQ(policy->logs()[0].url, "https://log.example/");
  EXPECT_EQ(policy->witnesses().size(), 5u);
  EXPECT_EQ(Policy::Parse(policy->ToText()).value(), *policy);
  // Every set of witnesses against the sentence: two of X and one of Y.
  for (unsigned set = 0; set < 32; ++set) {
    std::vector<std::size_t> cosigners;
    for (std::size_t i = 0; i < 5; ++i) {
      if (set >> i & 1) cosigners.push_back(i);
    }
    const int of_x = std::popcount(set & 7u);
    const int of_y = std::popcount(set >> 3);
    EXPECT_EQ(policy->IsQuorum(cosigners), of_x >= 2 && of_y >= 1) << set;
  }
  EXPECT_FALSE(policy->IsQuorum(std::vector<std::size_t>{0, 0, 0, 3, 99}));
}

TEST(Policy, VerifiesCheckpoints) {
  const PolicyFixture f;
  const Policy policy = Policy::Parse(f.text).value();
  const std::string body = "example.com/log\n0\n" + std::string(kEmptyRoot) + "\n";
  const auto& w = f.witnesses;
  const auto verified = policy.Verify(Signed(body, {&f.log, &w[0], &w[2], &w[4]}));
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->checkpoint.origin, "example.com/log");
  EXPECT_EQ(verified->cosignatures,
            (std::vector<WitnessTime>{{0, 1'700'000'000}, {2, 1'700'000'000}, {4, 1'700'000'000}}));

  EXPECT_FALSE(policy.Verify(Signed(body, {&f.log, &w[0], &w[2]})).has_value());
  EXPECT_FALSE(policy.Verify(Signed(body, {&f.log, &w[0], &w[0], &w[4]})).has_value());
  EXPECT_FALSE(policy.Verify(Signed(body, {&w[0], &w[2], &w[4]})).has_value());
  EXPECT_TRUE(policy.VerifyLog(Signed(body, {&f.log})).has_value());
  // The log's key under another origin.
  const std::string other = "example.com/other\n0\n" + std::string(kEmptyRoot) + "\n";
  EXPECT_FALSE(policy.VerifyLog(Signed(other, {&f.log})).has_value());
  EXPECT_FALSE(policy.VerifyLog(Signed(other, {&f.log, &w[0]})).has_value());
  EXPECT_FALSE(policy.VerifyLog(Signed("no checkpoint\n", {&f.log})).has_value());
}

TEST(Policy, QuorumNoneAndSingleWitness) {
  const PolicyFixture f;
  const std::string log = "log " + f.log.verifier().ToText() + "\n";
  const std::string witness = "witness W " + f.witnesses[0].verifier().ToText() + "\n";
  const std::string body = "example.com/log\n0\n" + std::string(kEmptyRoot) + "\n";
  EXPECT_TRUE(Policy::Parse(log + "quorum none\n")->Verify(Signed(body, {&f.log})).has_value());
  EXPECT_TRUE(Policy::Parse("quorum none\n").has_value());
  const Policy single = Policy::Parse(witness + log + "quorum W\n").value();
  EXPECT_FALSE(single.Verify(Signed(body, {&f.log})).has_value());
  EXPECT_TRUE(single.Verify(Signed(body, {&f.log, &f.witnesses[0]})).has_value());
}

TEST(Policy, RefusesWhatTheSpecificationForbids) {
  const PolicyFixture f;
  const std::string log = "log " + f.log.verifier().ToText() + "\n";
  const std::string a = "witness A " + f.witnesses[0].verifier().ToText() + "\n";
  const std::string b = "witness B " + f.witnesses[1].verifier().ToText() + "\n";
  const std::string quorum = "quorum none\n";
  const std::string log_as_witness = "witness L " + f.log.verifier().ToText() + "\n";
  for (const std::string& text :
       std::vector<std::string>{std::string(),
                                log,
                                std::string("quorum none"),
                                quorum + quorum,
                                std::string("quorum\n"),
                                std::string("quorum none none\n"),
                                std::string("quorum A\n"),
                                "quorum A\n" + a,
                                log + log + quorum,
                                a + a + quorum,
                                a + "witness A2" + a.substr(9) + quorum,
                                a + "witness A" + b.substr(9) + quorum,
                                "witness none" + a.substr(9) + quorum,
                                "witness A\n" + quorum,
                                log_as_witness + quorum,
                                std::string("log x\n") + quorum,
                                std::string("log\n") + quorum,
                                log.substr(0, log.size() - 1) + " u v\n" + quorum,
                                "witness A" + a.substr(9, a.size() - 10) + " u v\n" + quorum,
                                a + "group G any\n" + quorum,
                                a + "group G 0 A\n" + quorum,
                                a + "group G 2 A\n" + quorum,
                                a + "group G 01 A\n" + quorum,
                                a + "group G one A\n" + quorum,
                                a + "group G any B\n" + b + quorum,
                                a + "group G any G\n" + quorum,
                                a + "group G any none\n" + quorum,
                                a + "group none any A\n" + quorum,
                                a + "group A any A\n" + quorum,
                                a + "group G all A A\n" + quorum,
                                a + "group G any A\ngroup H any A\n" + quorum,
                                "unknown\n" + quorum,
                                "#\x01\n" + quorum,
                                "#\r\n" + quorum,
                                "#\x7f\n" + quorum,
                                quorum + std::string(70'000, '#') + "\n"}) {
    EXPECT_FALSE(Policy::Parse(text).has_value()) << text;
  }
  EXPECT_TRUE(
      Policy::Parse(" \t# \xff any octet \n" + a + b + log + "group G all A B\nquorum G\n"));
}

TEST(Policy, HoldsAHundredOfEach) {
  std::string text;
  std::string group = "group G all";
  for (std::uint8_t i = 0; i < 100; ++i) {
    const auto log = MakeSigner("l" + std::to_string(i), SignatureType::kEd25519, i);
    const auto witness = MakeSigner("w", SignatureType::kCosignature, i);
    text += "log " + log.verifier().ToText() + "\n";
    text += "witness w" + std::to_string(i) + " " + witness.verifier().ToText() + "\n";
    group += " w" + std::to_string(i);
  }
  text += group + "\n";
  for (int i = 0; i < 99; ++i) {
    text += "group g" + std::to_string(i) + " any " + (i == 0 ? "G" : "g" + std::to_string(i - 1)) +
            "\n";
  }
  const auto policy = Policy::Parse(text + "quorum g98\n");
  ASSERT_TRUE(policy.has_value());
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < 99; ++i) all.push_back(i);
  EXPECT_FALSE(policy->IsQuorum(all));
  all.push_back(99);
  EXPECT_TRUE(policy->IsQuorum(all));
}

TEST(TlogProof, VerifiesAndComesBack) {
  const PolicyFixture f;
  const Policy policy =
      Policy::Parse("log " + f.log.verifier().ToText() + "\nquorum none\n").value();
  std::vector<merkle::LeafHash> leaves;
  for (int i = 0; i < 9; ++i) leaves.push_back(merkle::HashLeaf(AsBytes(std::to_string(i))));
  const merkle::MemoryTree tree(leaves);
  const Checkpoint checkpoint{"example.com/log", tree.size(), tree.Root(), {}};
  const Note note = Note::Parse(Signed(checkpoint.Body(), {&f.log})).value();
  for (std::uint64_t i = 0; i < 9; ++i) {
    TlogProof proof{std::nullopt, {i}, merkle::ProveInclusion({i}, {9}, tree).value(), note};
    if (i % 3 == 1) proof.extra = Bytes(i, 7);
    if (i % 3 == 2) proof.extra = Bytes();
    const std::string text = proof.ToText();
    const auto parsed = TlogProof::Parse(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(*parsed, proof);
    EXPECT_EQ(parsed->ToText(), text);
    EXPECT_TRUE(parsed->Verify(leaves[i], policy).has_value());
    EXPECT_FALSE(parsed->Verify(leaves[(i + 1) % 9], policy).has_value());
    EXPECT_FALSE(parsed->Verify(leaves[i], Policy::Parse("quorum none\n").value()).has_value());
  }
}

TEST(TlogProof, RefusesEverythingElse) {
  const PolicyFixture f;
  const std::string body = "example.com/log\n1\n" + std::string(kEmptyRoot) + "\n";
  const std::string note = Signed(body, {&f.log});
  const std::string head = "c2sp.org/tlog-proof@v1\n";
  const std::string hash = std::string(kEmptyRoot) + "\n";
  EXPECT_TRUE(TlogProof::Parse(head + "index 0\n\n" + note).has_value());
  EXPECT_TRUE(TlogProof::Parse(head + "index 0\n" + hash + "\n" + note).has_value());
  for (const std::string& text : std::vector<std::string>{
           std::string(), head, head + "index 0\n", head + "index 0\n\n", head + "index 0\n" + note,
           head + "index 00\n\n" + note, head + "index\n\n" + note, head + "\nindex 0\n\n" + note,
           head + "extra !\nindex 0\n\n" + note, head + "index 0\nextra AA==\n\n" + note,
           head + "index 0\n\n\n" + note, head + "index 0\nAAAA\n\n" + note,
           "c2sp.org/tlog-proof@v2\nindex 0\n\n" + note, head + "index 0\n\n" + note + "\n"}) {
    EXPECT_FALSE(TlogProof::Parse(text).has_value()) << text;
  }
}

TEST(AddCheckpointRequest, ComesBackAndRefusesTheRest) {
  const PolicyFixture f;
  const std::string body = "example.com/log\n5\n" + std::string(kEmptyRoot) + "\n";
  const std::string note = Signed(body, {&f.log});
  const std::string hash = std::string(kEmptyRoot) + "\n";
  std::string many;
  for (int i = 0; i < 63; ++i) many += hash;
  for (const std::string& text :
       std::vector<std::string>{"old 0\n\n" + note, "old 3\n" + hash + hash + "\n" + note,
                                "old 3\n" + many + "\n" + note}) {
    const auto request = AddCheckpointRequest::Parse(text);
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_EQ(request->ToText(), text);
    EXPECT_EQ(request->checkpoint.checkpoint.size, TreeSize{5});
  }
  for (const std::string& text : std::vector<std::string>{
           std::string(), std::string("old 0\n"), "old 0\n" + note, "old\n\n" + note,
           "old 01\n\n" + note, "old -1\n\n" + note, "Old 0\n\n" + note, "old 0 \n\n" + note,
           "old 0\n\n\n" + note, "old 0\nAAAA\n\n" + note, "old 0\n" + many + hash + "\n" + note,
           "old 0\n\n" + note.substr(note.find("\n")), std::string("old 0\n\ntext\n")}) {
    EXPECT_FALSE(AddCheckpointRequest::Parse(text).has_value()) << text;
  }
}

TEST(WitnessAnswer, SizesAndPaths) {
  EXPECT_EQ(ParseTreeSizeBody(TreeSizeBody({7})).value(), TreeSize{7});
  EXPECT_FALSE(ParseTreeSizeBody("7").has_value());
  EXPECT_FALSE(ParseTreeSizeBody("07\n").has_value());
  EXPECT_FALSE(ParseTreeSizeBody("\n").has_value());
  EXPECT_FALSE(ParseSignatureLines("").has_value());
}

}  // namespace
}  // namespace salus::tlog
