#include "jose/secure_message.h"

#include <gtest/gtest.h>

#include <set>

#include "jose/jwe.h"
#include "jose/jws.h"

namespace salus::jose {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

class MemoryGuard final : public ReplayGuard {
 public:
  Result<void> Accept(std::string_view sender, std::string_view id, Timestamp) override {
    if (!seen_.emplace(sender, id).second) return AlreadyExists("seen before");
    return {};
  }
  std::size_t size() const { return seen_.size(); }

 private:
  std::set<std::pair<std::string, std::string>> seen_;
};

class SecureMessageTest : public testing::Test {
 protected:
  SenderKeyLookup Lookup() {
    return [this](std::string_view sender, Timestamp) -> Result<crypto::PublicKey> {
      if (sender == "hospital-a") return crypto::PublicKey(signer_.public_key());
      if (sender == "hospital-r") return crypto::PublicKey(rsa_.public_key());
      if (sender == "hospital-x") return Unavailable("directory");
      return NotFound("no such sender");
    };
  }
  SecureMessageHeader Header(std::string sender = "hospital-a") const {
    return {std::move(sender), "hospital-b", clock_.Now(), "message-1"};
  }
  Bytes Pack(const SecureMessageHeader& header) {
    return PackMessage(AsBytes("record"), header, signer_, reader_.public_key(), random_).value();
  }
  Result<OpenedMessage> Open(ByteSpan message) {
    return OpenMessage(message, reader_, Lookup(), rules_, guard_, clock_);
  }
  ErrorCode CodeOf(ByteSpan message) {
    const auto opened = Open(message);
    EXPECT_FALSE(opened.has_value());
    return opened ? ErrorCode::kInternal : opened.error().code;
  }
  // Sealed signs any header with the sender's key and seals it, without our own writer's checks.
  Bytes Sealed(const codec::JsonObject& header, std::string_view content_type = "JWS") {
    const std::string inner =
        SignCompact(AsBytes("record"), signer_, SignatureAlgorithm::kEs256, header).value();
    return ToBytes(EncryptCompact(AsBytes(inner), reader_.public_key(),
                                  KeyManagement::kEcdhEsA256Kw, ContentEncryption::kA256Gcm,
                                  random_, {{"cty", content_type}})
                       .value());
  }

  SystemRandom random_;
  FakeClock clock_{FromUnixMillis(1'795'000'000'123)};
  crypto::P256PrivateKey signer_ = crypto::P256PrivateKey::Generate();
  crypto::P256PrivateKey reader_ = crypto::P256PrivateKey::Generate();
  crypto::RsaPrivateKey rsa_ = crypto::RsaPrivateKey::Generate(2048).value();
  OpenRules rules_{"hospital-b"};
  MemoryGuard guard_;
};

TEST_F(SecureMessageTest, ArrivesWithWhatTheSenderSigned) {
  const Bytes message = Pack(Header());
  const auto opened = Open(message);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(AsText(opened->payload), "record");
  EXPECT_EQ(opened->header.sender, "hospital-a");
  EXPECT_EQ(opened->header.recipient, "hospital-b");
  EXPECT_EQ(opened->header.time, clock_.Now());
  EXPECT_EQ(opened->header.id, "message-1");
}

TEST_F(SecureMessageTest, RsaOnBothSides) {
  const Bytes message =
      PackMessage(AsBytes("record"), Header("hospital-r"), rsa_, rsa_.public_key(), random_)
          .value();
  const auto opened = OpenMessage(message, rsa_, Lookup(), rules_, guard_, clock_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(AsText(opened->payload), "record");
}

TEST_F(SecureMessageTest, NothingPersonalIsInClear) {
  const codec::JsonObject header = UnverifiedHeader(AsText(Pack(Header()))).value();
  std::set<std::string> names;
  for (const auto& [name, value] : header) names.emplace(name);
  EXPECT_EQ(names, (std::set<std::string>{"alg", "enc", "epk", "cty"}));
}

TEST_F(SecureMessageTest, OpensOnce) {
  const Bytes message = Pack(Header());
  ASSERT_TRUE(Open(message));
  EXPECT_EQ(CodeOf(message), ErrorCode::kAlreadyExists);
  // Sealed anew by the recipient's own tools, the signed part is still the same message.
  EXPECT_EQ(CodeOf(Pack(Header())), ErrorCode::kAlreadyExists);
}

TEST_F(SecureMessageTest, AnotherRecipientCannotUseIt) {
  SecureMessageHeader header = Header();
  header.recipient = "hospital-c";
  EXPECT_EQ(CodeOf(Pack(header)), ErrorCode::kPermissionDenied);
  rules_.recipient = "hospital-c";
  EXPECT_EQ(CodeOf(Pack(Header())), ErrorCode::kPermissionDenied);
  EXPECT_EQ(guard_.size(), 0U);
  reader_ = crypto::P256PrivateKey::Generate();
  const Bytes for_new_key = Pack(Header());
  reader_ = crypto::P256PrivateKey::Generate();
  EXPECT_EQ(CodeOf(for_new_key), ErrorCode::kVerificationFailed);
}

TEST_F(SecureMessageTest, TimeLimitsAreExact) {
  const Timestamp now = clock_.Now();
  const std::pair<Timestamp, bool> cases[] = {
      {now + minutes(5), true},
      {now + minutes(5) + milliseconds(1), false},
      {now - hours(24), true},
      {now - hours(24) - milliseconds(1), false},
  };
  int id = 0;
  for (const auto& [time, fresh] : cases) {
    SecureMessageHeader header = Header();
    header.time = time;
    header.id = std::to_string(++id);
    const auto opened = Open(Pack(header));
    EXPECT_EQ(opened.has_value(), fresh) << id;
    if (!opened) {
      EXPECT_EQ(opened.error().code, ErrorCode::kFailedPrecondition);
    }
  }
  EXPECT_EQ(guard_.size(), 2U) << "a stale message takes no room in the guard";
}

TEST_F(SecureMessageTest, SenderMustHoldTheKey) {
  EXPECT_EQ(CodeOf(Pack(Header("hospital-r"))), ErrorCode::kVerificationFailed);
  EXPECT_EQ(CodeOf(Pack(Header("hospital-unknown"))), ErrorCode::kVerificationFailed);
  EXPECT_EQ(CodeOf(Pack(Header("hospital-x"))), ErrorCode::kUnavailable);
  EXPECT_EQ(guard_.size(), 0U);
}

TEST_F(SecureMessageTest, RefusesAnotherHeader) {
  const codec::JsonArray crit = {"sender", "recipient", "time", "id"};
  const codec::JsonObject good = {{"typ", "salus-message"},
                                  {"crit", crit},
                                  {"sender", "hospital-a"},
                                  {"recipient", "hospital-b"},
                                  {"time", "2026-11-18T12:00:00.000Z"},
                                  {"id", "1"}};
  clock_.JumpUtc(FromUnixMillis(1'795'003'200'000));
  ASSERT_EQ(ToUnixMillis(clock_.Now()) / 86'400'000, 20'775);
  const auto accepted = Open(Sealed(good));
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(CodeOf(Sealed(good, "json")), ErrorCode::kVerificationFailed);
  for (const char* name : {"typ", "crit", "sender", "recipient", "time", "id"}) {
    codec::JsonObject without = good;
    without.erase(name);
    EXPECT_EQ(CodeOf(Sealed(without)), ErrorCode::kVerificationFailed) << name;
    codec::JsonObject other = good;
    other[name] = 1;
    EXPECT_EQ(CodeOf(Sealed(other)), ErrorCode::kVerificationFailed) << name;
  }
  codec::JsonObject typ = good;
  typ["typ"] = "JWT";
  EXPECT_EQ(CodeOf(Sealed(typ)), ErrorCode::kVerificationFailed);
  codec::JsonObject partial = good;
  partial["crit"] = codec::JsonArray{"sender", "recipient", "time"};
  EXPECT_EQ(CodeOf(Sealed(partial)), ErrorCode::kVerificationFailed);
}

TEST_F(SecureMessageTest, EveryChangedByteIsNoticed) {
  const Bytes message = Pack(Header());
  for (std::size_t i = 0; i < message.size(); i += 7) {
    Bytes changed = message;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(CodeOf(changed), ErrorCode::kVerificationFailed) << i;
  }
  EXPECT_EQ(guard_.size(), 0U);
}

TEST_F(SecureMessageTest, PackRefusesBadHeadersAndKeys) {
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string(129, 'x')}) {
    SecureMessageHeader header = Header();
    header.id = bad;
    EXPECT_FALSE(PackMessage({}, header, signer_, reader_.public_key(), random_));
  }
  const auto ed25519 = crypto::Ed25519PrivateKey::Generate(random_);
  EXPECT_FALSE(PackMessage({}, Header(), ed25519, reader_.public_key(), random_));
  const SecretBytes secret(Bytes(32, 1));
  EXPECT_FALSE(PackMessage({}, Header(), signer_, secret, random_));
}

}  // namespace
}  // namespace salus::jose
