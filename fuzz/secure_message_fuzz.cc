// Whatever opens was signed for us, in time, by the sender whose key it was checked with. The first
// byte chooses whether the rest is a message, a signed header or a payload.
#include <chrono>
#include <cstdint>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "codec/base64.h"
#include "jose/jwe.h"
#include "jose/secure_message.h"

namespace {

using namespace std::literals;
using salus::Bytes;
using salus::ByteSpan;
using salus::Result;
using salus::Timestamp;
using salus::crypto::P256PrivateKey;
using salus::jose::ContentEncryption;
using salus::jose::KeyManagement;
using salus::jose::OpenedMessage;
using salus::jose::OpenRules;
using salus::jose::ReplayGuard;

class CountingGuard final : public ReplayGuard {
 public:
  Result<void> Accept(std::string_view, std::string_view, Timestamp) override {
    ++accepted;
    return {};
  }
  int accepted = 0;
};

const P256PrivateKey& Signer() {
  static const P256PrivateKey key = P256PrivateKey::FromScalar(Bytes(32, 5)).value();
  return key;
}
const P256PrivateKey& Reader() {
  static const P256PrivateKey key = P256PrivateKey::FromScalar(Bytes(32, 6)).value();
  return key;
}

const salus::FakeClock& Clock() {
  static const salus::FakeClock clock(
      salus::FromUnixMillis(1'795'003'200'000));  // 2026-11-18 12:00
  return clock;
}

Result<OpenedMessage> Open(ByteSpan message) {
  CountingGuard guard;
  const auto lookup = [](std::string_view sender, Timestamp) -> Result<salus::crypto::PublicKey> {
    if (sender != "a") return salus::NotFound("sender");
    return salus::crypto::PublicKey(Signer().public_key());
  };
  auto opened = salus::jose::OpenMessage(message, Reader(), lookup, OpenRules{"b"}, guard, Clock());
  CHECK(guard.accepted == (opened ? 1 : 0));
  if (opened) {
    CHECK(opened->header.sender == "a" && opened->header.recipient == "b");
    CHECK(!opened->header.id.empty());
    CHECK(opened->header.time <= Clock().Now() + 5min);
    CHECK(opened->header.time >= Clock().Now() - 24h);
  }
  return opened;
}

// A header of any text, signed by the true sender and sealed to us.
void CheckHeader(ByteSpan header) {
  salus::SystemRandom random;
  const std::string input = salus::codec::Base64UrlEncode(header) + ".eA";
  const std::string token =
      input + "." + salus::codec::Base64UrlEncode(Signer().SignP1363(salus::AsBytes(input)));
  const auto message =
      EncryptCompact(salus::AsBytes(token), Reader().public_key(), KeyManagement::kEcdhEsA256Kw,
                     ContentEncryption::kA256Gcm, random, {{"cty", "JWS"}})
          .value();
  const auto opened = Open(salus::AsBytes(message));
  if (opened) CHECK(salus::AsText(opened->payload) == "x");
}

void CheckPayload(ByteSpan payload) {
  salus::SystemRandom random;
  const auto message = salus::jose::PackMessage(payload, {"a", "b", Clock().Now(), "1"}, Signer(),
                                                Reader().public_key(), random)
                           .value();
  const auto opened = Open(message);
  CHECK(opened.has_value() && salus::Equal(opened->payload, payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan rest(data + 1, size - 1);
  if (data[0] == 'm') {
    if (Open(rest)) CHECK(rest.size() > 300);
  } else if (data[0] == 'h') {
    CheckHeader(rest);
  } else {
    CheckPayload(rest);
  }
  return 0;
}
