#include "client/pinned_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "client/connection.h"
#include "client/test_log.h"
#include "client/test_place.h"
#include "codec/hex.h"
#include "crypto/pkcs8.h"
#include "http/server.h"

namespace salus::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PinnedServerTest : public ::testing::Test {
 protected:
  PinnedServerTest() { ::unsetenv("SALUS_SERVER"); }

  std::string Page(const pki::Certificate& root) const {
    const audit::PinnedLog log = log_.pinned();
    codec::JsonObject page;
    page["origin"] = log.origin;
    page["log_vkey"] = log.log_vkey;
    page["receipt_vkey"] = log.receipt_vkey;
    page["vrf_key"] = codec::Base64UrlEncode(log.vrf_key.bytes());
    page["policy"] = log.policy;
    page["root"] = root.ToPem();
    page["public_url"] = "https://127.0.0.1:18443";
    page["url"] = "https://127.0.0.1:19443";
    return codec::WriteJson(page);
  }

  // Two listeners: 0 wants a certificate, 1 is public.
  std::unique_ptr<http::Server> Start(TestPlace& place, const std::string& page) {
    http::Route connect;
    connect.pattern = "/connect.json";
    connect.handler = [page](std::shared_ptr<http::Exchange> exchange) {
      exchange->Respond(http::Response::Json(200, page));
    };
    http::Route who;
    who.pattern = "/audit/v1/whoami";
    who.handler = [](std::shared_ptr<http::Exchange> exchange) {
      exchange->Respond(
          http::Response::Json(200, R"({"role":"source","id":"ehr","origin":"test.example/log"})"));
    };
    const auto router = std::make_shared<http::Router>(
        http::Router::Create({std::move(connect), std::move(who)}).value());
    const pki::IdentityDirectory identity = place.Identify(pki::Role::kServer, "salusd");
    http::ServerOptions options;
    for (const auto certificate :
         {http::ClientCertificate::kRequired, http::ClientCertificate::kNone}) {
      http::TlsServerOptions tls;
      tls.certificate_chain_pem = place.ChainPem(identity, true);
      tls.private_key_pem =
          crypto::EncodePrivateKeyPem(crypto::PrivateKey(identity.signing_key().Clone())).value();
      tls.client_certificate = certificate;
      tls.client_authorities_pem = place.root().ToPem();
      http::ListenerOptions listener;
      listener.tls = std::move(tls);
      listener.router = router;
      options.listeners.push_back(std::move(listener));
    }
    return http::Server::Start(std::move(options)).value();
  }

  static std::string Url(const http::Server& server, std::size_t listener) {
    return "https://127.0.0.1:" + std::to_string(server.port(listener));
  }

  TestPlace place_;
  TestLog log_;
};

TEST_F(PinnedServerTest, PinsTheServerOfTheFingerprint) {
  const auto server = Start(place_, Page(place_.root()));
  FirstContact contact;
  contact.url = Url(*server, 1);
  contact.fingerprint = codec::HexEncode(place_.root().fingerprint());
  const auto pinned = Connect(contact);
  ASSERT_TRUE(pinned.has_value()) << pinned.error().message;
  EXPECT_EQ(pinned->name, "127.0.0.1");
  EXPECT_EQ(pinned->url, "https://127.0.0.1:19443");
  EXPECT_EQ(pinned->public_url, "https://127.0.0.1:18443");
  EXPECT_EQ(pinned->log.origin, "test.example/log");
  // By the machines' listener, with the public one named, and the fingerprint as others write it.
  contact.url = Url(*server, 0);
  contact.public_url = Url(*server, 1);
  std::string colons;
  for (std::size_t i = 0; i < contact.fingerprint.size(); i += 2) {
    colons += (i > 0 ? ":" : "") + contact.fingerprint.substr(i, 2);
  }
  contact.fingerprint = colons;
  const auto second = Connect(contact);
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ(second->url, contact.url);
  // What was pinned is enough for mutual TLS.
  const pki::IdentityDirectory identity = place_.Identify(pki::Role::kSource, "ehr");
  Connection connection = Connection::Open(*second, &identity).value();
  const auto me = connection.Me();
  ASSERT_TRUE(me.has_value()) << me.error().message;
  EXPECT_EQ(me->id, "ehr");
}

TEST_F(PinnedServerTest, RefusesAnyOtherRoot) {
  const auto server = Start(place_, Page(place_.root()));
  FirstContact contact;
  contact.url = Url(*server, 1);
  contact.fingerprint = std::string(64, 'a');
  EXPECT_EQ(Connect(contact).error().code, ErrorCode::kVerificationFailed);
  contact.fingerprint = "abc";
  EXPECT_EQ(Connect(contact).error().code, ErrorCode::kInvalidArgument);
  // The leaf's own fingerprint, or a page that names another root.
  TestPlace other("Other root");
  const auto liar = Start(place_, Page(other.root()));
  contact.url = Url(*liar, 1);
  contact.fingerprint = codec::HexEncode(place_.root().fingerprint());
  EXPECT_EQ(Connect(contact).error().code, ErrorCode::kVerificationFailed);
  // Somebody who shows the true root behind a certificate of their own.
  http::Route page;
  page.pattern = "/connect.json";
  const pki::IdentityDirectory forged = other.Identify(pki::Role::kServer, "salusd");
  http::ServerOptions options;
  options.listeners.resize(1);
  http::TlsServerOptions tls;
  tls.certificate_chain_pem = other.ChainPem(forged, false) + place_.root().ToPem();
  tls.private_key_pem =
      crypto::EncodePrivateKeyPem(crypto::PrivateKey(forged.signing_key().Clone())).value();
  options.listeners[0].tls = std::move(tls);
  page.handler = [](std::shared_ptr<http::Exchange> exchange) {
    exchange->Respond(http::Response::Text(200, "never read"));
  };
  options.listeners[0].router =
      std::make_shared<http::Router>(http::Router::Create({std::move(page)}).value());
  const auto forger = http::Server::Start(std::move(options)).value();
  contact.url = Url(*forger, 0);
  EXPECT_EQ(Connect(contact).error().code, ErrorCode::kVerificationFailed);
}

TEST_F(PinnedServerTest, StoresListsAndChooses) {
  const ServerStore store(place_.path() / "servers");
  EXPECT_EQ(store.Choose("").error().code, ErrorCode::kNotFound);
  PinnedServer server = place_.Pin(log_);
  ASSERT_TRUE(store.Save(server).has_value());
  struct stat what{};
  ASSERT_EQ(::stat((store.folder() / "test.json").c_str(), &what), 0);
  EXPECT_EQ(what.st_mode & 0777, 0600u);
  EXPECT_EQ(store.Choose("").value().url, server.url);
  EXPECT_EQ(store.Choose("https://127.0.0.1:9443/").value().name, "test");
  EXPECT_EQ(store.Choose("other").error().code, ErrorCode::kNotFound);
  server.name = "b";
  ASSERT_TRUE(store.Save(server).has_value());
  EXPECT_THAT(store.List().value(), ElementsAre("b", "test"));
  EXPECT_EQ(store.Choose("").error().code, ErrorCode::kFailedPrecondition);
  ::setenv("SALUS_SERVER", "b", 1);
  EXPECT_EQ(store.Choose("").value().name, "b");
  ::unsetenv("SALUS_SERVER");
  // Another log under a pinned name is never taken silently.
  server.log = TestLog().pinned();
  EXPECT_EQ(store.Save(server).error().code, ErrorCode::kFailedPrecondition);
  for (const char* bad : {"", ".hidden", "a/b", "a b"}) {
    EXPECT_FALSE(CheckServerName(bad).has_value()) << bad;
  }
}

TEST(ErrorOfAnswerTest, SaysWhatTheServerSaysOnOneLine) {
  const Error error = ErrorOfAnswer(
      "https://h", {409, "application/problem+json", R"({"detail":"a\nb\u001b[31m"})"});
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(error.message, "https://h: a b [31m (409)");
  EXPECT_EQ(ErrorOfAnswer("h", {403, "text/plain", "not permitted"}).message,
            "h: not permitted (403)");
  EXPECT_EQ(ErrorOfAnswer("h", {507, "", ""}).code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(ErrorOfAnswer("h", {503, "", ""}).code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace salus::client
