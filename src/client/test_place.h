// A deployment's certificates in a temporary folder, and identities under them. Test code only.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/test_folder.h"
#include "client/pinned_server.h"
#include "client/test_log.h"
#include "pki/authority.h"
#include "pki/identity_directory.h"

namespace salus::client {

class TestPlace {
 public:
  explicit TestPlace(std::string name = "Test root") {
    const Timestamp now = SystemClock().Now();
    const pki::Validity years{now - std::chrono::days(2), now + std::chrono::days(2000)};
    root_.emplace(
        pki::RootAuthority::Create(folder_ / "root", {.name = name, .validity = years}, random_)
            .value());
    const pki::Validity shorter{now - std::chrono::days(1), now + std::chrono::days(1000)};
    issuing_.emplace(pki::IssuingAuthority::Create(folder_ / "issuing", *root_,
                                                   {.name = name + " 2", .validity = shorter},
                                                   random_)
                         .value());
  }

  pki::IdentityDirectory Identify(pki::Role role, const std::string& id) {
    const pki::Identity identity = pki::Identity::Create("test.example/log", role, id).value();
    pki::RequestSubject subject;
    subject.name = id;
    subject.identity = identity;
    pki::IssueProfile profile;
    profile.identity = identity;
    const Timestamp now = SystemClock().Now();
    profile.validity = {now - std::chrono::hours(1), now + std::chrono::days(30)};
    if (role == pki::Role::kServer) {
      profile.purpose = pki::Purpose::kServer;
      profile.ip_names = subject.ip_names = {"127.0.0.1"};
    }
    auto directory =
        pki::IdentityDirectory::Create(folder_.path() / ("id-" + std::to_string(++made_)), subject)
            .value();
    const pki::Certificate leaf =
        issuing_->Issue(directory.request(), profile, random_, issuance_).value();
    CHECK(directory.Install({leaf, issuing_->certificate()}));
    return directory;
  }

  std::string ChainPem(const pki::IdentityDirectory& directory, bool with_root) const {
    std::string pem;
    for (const pki::Certificate& certificate : directory.chain()) pem += certificate.ToPem();
    if (with_root) pem += root().ToPem();
    return pem;
  }

  PinnedServer Pin(const TestLog& log) const {
    return {.name = "test",
            .url = "https://127.0.0.1:9443",
            .public_url = "https://127.0.0.1:8443",
            .root_pem = root().ToPem(),
            .exchange_pem = {},
            .log = log.pinned()};
  }
  const pki::Certificate& root() const { return root_->certificate(); }
  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  class Unlogged final : public pki::IssuanceLog {
   public:
    Result<void> Record(ByteSpan, const pki::Identity&, bool) override { return {}; }
  };

  TestFolder folder_;
  SystemRandom random_;
  Unlogged issuance_;
  std::optional<pki::RootAuthority> root_;
  std::optional<pki::IssuingAuthority> issuing_;
  int made_ = 0;
};

}  // namespace salus::client
