// A request that is taken names certificates by hashes of the right length, and with a byte more or
// less is none. A responder says "good" about the one certificate that it knows, in a response
// about what was asked, and nothing about others: the same to POST and to GET.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/test_folder.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "pki/authority.h"
#include "pki/key_file.h"
#include "pki/ocsp_request.h"
#include "proxy/ocsp_responder.h"

using salus::pki::CertificateId;
using salus::pki::CertificateIdHash;
using salus::pki::OcspRequest;

namespace {

constexpr salus::Timestamp kTime = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);
constexpr CertificateIdHash kHashes[] = {CertificateIdHash::kSha1, CertificateIdHash::kSha256,
                                         CertificateIdHash::kSha384, CertificateIdHash::kSha512};

struct ForgetfulLog final : salus::pki::IssuanceLog {
  salus::Result<void> Record(salus::ByteSpan, const salus::pki::Identity&, bool) override {
    return {};
  }
};

// An authority whose name and key are the same in every run, for seeds that ask about what it
// issued.
salus::pki::IssuingAuthority MakeAuthority() {
  const salus::TestFolder folder;
  salus::SystemRandom random;
  const salus::pki::Validity validity{kTime - std::chrono::days(9), kTime + std::chrono::days(99)};
  const auto root =
      salus::pki::RootAuthority::Create(folder / "root", {"Root", validity, {}}, random).value();
  const salus::crypto::PrivateKey key =
      salus::crypto::P256PrivateKey::FromScalar(salus::Bytes(32, 7)).value();
  const auto request =
      salus::pki::CertificationRequest::Create({.name = "Issuing"}, key, nullptr).value();
  const auto certificate =
      root.CertifyAuthority(request, {"Issuing", validity, {}}, random).value();
  CHECK(std::filesystem::create_directory(folder / "issuing"));
  CHECK(salus::pki::WritePrivateKeyFile(folder / "issuing" / "authority.key", key).has_value());
  return salus::pki::IssuingAuthority::Install(folder / "issuing", certificate, root.certificate())
      .value();
}

// The serial number is the same in every run, too.
salus::pki::Certificate Issue(const salus::pki::IssuingAuthority& authority) {
  const auto name =
      salus::pki::Identity::Create("host/org", salus::pki::Role::kServer, "front").value();
  const auto request =
      salus::pki::CertificationRequest::Create({.name = "F", .identity = name},
                                               salus::crypto::P256PrivateKey::Generate(), nullptr)
          .value();
  salus::SeededRandom random(1);
  ForgetfulLog log;
  return authority
      .Issue(request,
             {.identity = name,
              .validity = {kTime - std::chrono::days(1), kTime + std::chrono::days(60)},
              .purpose = salus::pki::Purpose::kServer,
              .dns_names = {"localhost"}},
             random, log)
      .value();
}

struct Door {
  const salus::FakeClock clock{kTime};
  const salus::pki::IssuingAuthority authority = MakeAuthority();
  const salus::pki::Certificate leaf = Issue(authority);
  salus::proxy::OcspResponder responder{clock};
  std::vector<CertificateId> known;

  Door() {
    CHECK(responder.Sign(authority, {leaf}).has_value());
    for (const CertificateIdHash hash : kHashes) {
      salus::pki::OcspStatusProfile profile;
      profile.hash = hash;
      profile.produced_at = profile.this_update = kTime;
      profile.next_update = kTime + std::chrono::days(1);
      known.push_back(authority.SignStatus(leaf, profile).value().id);
    }
    // What the seeds ask about: where this is another, they reach nothing, and are to be made anew.
    CHECK(salus::codec::HexEncode(known.front().issuer_key_hash) ==
          "66346806e9ccfbcb02f2a8379f9742ddf1f40a05");
    CHECK(salus::codec::HexEncode(known.front().serial_number) ==
          "415c0289ec2d0a9167ec8e65a18debbe5e5532fb");
  }
};

std::size_t SizeOf(CertificateIdHash hash, std::size_t otherwise) {
  switch (hash) {
    case CertificateIdHash::kSha1:
      return 20;
    case CertificateIdHash::kSha256:
      return 32;
    case CertificateIdHash::kSha384:
      return 48;
    case CertificateIdHash::kSha512:
      return 64;
    case CertificateIdHash::kOther:
      break;
  }
  return otherwise;
}

// CheckGood: the answer is a response about id.
void CheckGood(const Door& door, const CertificateId& id, const std::string& answer) {
  const auto has = [&](const salus::Bytes& part) {
    return !std::ranges::search(salus::AsBytes(answer), part).empty();
  };
  CHECK(has(id.issuer_name_hash) && has(id.issuer_key_hash) && has(id.serial_number));
  const bool is_stapled = door.responder.StatusOf(door.leaf)() == answer;
  CHECK(is_stapled == (id.hash == CertificateIdHash::kSha1));
}

void CheckAnswer(const Door& door, salus::ByteSpan input,
                 const salus::Result<OcspRequest>& request) {
  const std::string answer = door.responder.Answer(input).body;
  const auto got = door.responder.AnswerGet(std::string(salus::proxy::kOcspPath) + "/" +
                                            salus::codec::Base64Encode(input));
  CHECK(got.has_value() && got->body == answer);
  const auto is = [&](salus::pki::OcspFailure failure) {
    return answer == salus::AsText(salus::pki::OcspFailureDer(failure));
  };
  if (!request) {
    CHECK(is(salus::pki::OcspFailure::kMalformedRequest));
    return;
  }
  const CertificateId& first = request->certificates().front();
  if (request->certificates().size() == 1 && std::ranges::count(door.known, first) != 0) {
    CheckGood(door, first, answer);
  } else {
    CHECK(is(salus::pki::OcspFailure::kUnauthorized));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Door door;
  const salus::ByteSpan input{data, size};
  const auto request = OcspRequest::FromDer(input);
  CheckAnswer(door, input, request);
  if (!request) return 0;
  CHECK(!request->certificates().empty());
  for (const CertificateId& id : request->certificates()) {
    CHECK(id.issuer_name_hash.size() == SizeOf(id.hash, id.issuer_name_hash.size()));
    CHECK(id.issuer_key_hash.size() == SizeOf(id.hash, id.issuer_key_hash.size()));
    CHECK(id.serial_number.empty() || id.serial_number.front() != 0);
  }
  salus::Bytes other(input.begin(), input.end());
  other.push_back(0);
  CHECK(!OcspRequest::FromDer(other));
  other.resize(size - 1);
  CHECK(!OcspRequest::FromDer(other));
  return 0;
}
