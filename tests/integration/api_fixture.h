// A node in a temporary directory, served over TLS on the loopback, with identities of every role.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_server.h"
#include "base/clock.h"
#include "base/random.h"
#include "client/pinned_server.h"
#include "codec/json.h"
#include "http/client.h"
#include "node/node.h"
#include "pki/identity_directory.h"

namespace salus {

inline constexpr char kOrigin[] = "api.test.example/audit";

// Names that must never show in logs and errors.
inline constexpr char kPatientId[] = "canary-patient-7731";
inline constexpr char kOtherPatientId[] = "canary-patient-8842";

// ShiftedClock is the machine's, set otherwise.
class ShiftedClock final : public Clock {
 public:
  Timestamp Now() const override { return system_.Now() + shift_.load(); }
  std::chrono::steady_clock::time_point Monotonic() const override { return system_.Monotonic(); }
  void Set(std::chrono::milliseconds shift) { shift_ = shift; }

 private:
  SystemClock system_;
  std::atomic<std::chrono::milliseconds> shift_{};
};

class ApiTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // StartServer opens the node and serves it; StopServer drains and closes both.
  void StartServer();
  void StopServer();

  // Identity makes and certifies an identity, once a name.
  const pki::IdentityDirectory& Identity(pki::Role role, const std::string& id);
  std::unique_ptr<http::Client> ClientOf(const pki::IdentityDirectory& identity);
  std::unique_ptr<http::Client> ClientOf(pki::Role role, const std::string& id) {
    return ClientOf(Identity(role, id));
  }
  // The client of a certificate that another installation issued under the same root name.
  std::unique_ptr<http::Client> PublicClient();

  // Pin is a first contact with whatever ports the server has now.
  client::PinnedServer Pin();

  static http::ClientResponse Send(http::Client& client, http::Method method, std::string target,
                                   std::string_view body = "", std::string_view type = "");
  static http::ClientResponse Post(http::Client& client, std::string target, std::string_view body,
                                   std::string_view type = "application/x-ndjson") {
    return Send(client, http::Method::kPost, std::move(target), body, type);
  }
  static http::ClientResponse Get(http::Client& client, std::string target) {
    return Send(client, http::Method::kGet, std::move(target));
  }

  // Event is a line for POST /audit/v1/events.
  static std::string Event(std::string_view id, std::string_view patient,
                           std::string_view action = "read");
  // Lines parses an NDJSON answer.
  static std::vector<codec::JsonObject> Lines(std::string_view ndjson);

  ShiftedClock clock_;
  SystemRandom random_;
  std::filesystem::path root_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<api::ApiServer> server_;

 private:
  std::map<std::string, pki::IdentityDirectory> identities_;
};

// ApiSourceTest has a source, kis, and a connection of its own.
class ApiSourceTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_TRUE(node_->PutSource("kis", "Hospital system"));
    client_ = ClientOf(pki::Role::kSource, "kis");
  }
  // An idle connection would hold up the drain until it lingers no more.
  void TearDown() override {
    client_.reset();
    ApiTest::TearDown();
  }

  std::unique_ptr<http::Client> client_;
};

}  // namespace salus
