#include "client/exchange.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "client/private_file.h"
#include "client/test_log.h"
#include "client/test_place.h"
#include "codec/hex.h"
#include "jose/secure_message.h"
#include "pki/directory_files.h"
#include "pki/path.h"

namespace salus::client {
namespace {

class AnyMessage final : public jose::ReplayGuard {
 public:
  Result<void> Accept(std::string_view, std::string_view, Timestamp) override { return {}; }
};

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() {
    for (const char* part : {"inbox", "outbox", "certificates"}) {
      std::filesystem::create_directories(folder_ / part);
    }
    Publish(server_);
  }

  void Publish(const pki::IdentityDirectory& identity) {
    const std::string name = codec::HexEncode(identity.chain().front().fingerprint()) + ".pem";
    CHECK(
        pki::ReplacePublicFile(folder_ / "certificates" / name, place_.ChainPem(identity, false)));
  }

  // ServeOne waits for a request, opens it as the server, and answers as `who` under `id_suffix`.
  std::jthread ServeOne(const pki::IdentityDirectory& who, const std::string& other_id = {}) {
    return std::jthread([this, &who, other_id](std::stop_token stop) {
      std::filesystem::path request;
      while (request.empty() && !stop.stop_requested()) {
        for (const auto& file : std::filesystem::directory_iterator(folder_ / "inbox")) {
          if (file.path().extension() == ".request") request = file.path();
        }
        std::this_thread::yield();
      }
      if (request.empty()) return;
      const std::string sealed = ReadSmallFile(request).value();
      AnyMessage guard;
      const auto opened = jose::OpenMessage(
          AsBytes(sealed), server_.encryption_key(),
          [&](std::string_view sender, Timestamp) -> Result<crypto::PublicKey> {
            EXPECT_EQ(sender, Uri(client_));
            return crypto::PublicKey(client_.chain().front().p256_public_key().value());
          },
          {.recipient = Uri(server_)}, guard, clock_);
      ASSERT_TRUE(opened.has_value()) << opened.error().message;
      const Call call = DecodeCall(AsText(opened->payload)).value();
      const std::string payload = EncodeCallAnswer({200, "text/plain", "got " + call.body});
      const std::string id = opened->header.id;
      const Bytes message =
          jose::PackMessage(
              AsBytes(payload),
              {Uri(who), Uri(client_), clock_.Now(), other_id.empty() ? id : other_id},
              who.signing_key(), client_.encryption_key().public_key(), random_)
              .value();
      CHECK(pki::ReplacePublicFile(folder_ / "outbox" / ".t", AsText(message)));
      std::filesystem::rename(folder_ / "outbox" / ".t", folder_ / "outbox" / (id + ".answer"));
    });
  }

  static std::string Uri(const pki::IdentityDirectory& identity) {
    return identity.chain().front().identity().value().ToUri().value();
  }
  Result<std::unique_ptr<Transport>> Open(
      std::chrono::milliseconds timeout = std::chrono::hours(1)) {
    return FolderTransport::Create({folder_, timeout}, place_.Pin(log_), client_, clock_, random_);
  }

  TestPlace place_;
  TestLog log_;
  SystemClock clock_;
  SystemRandom random_;
  const pki::IdentityDirectory server_ = place_.Identify(pki::Role::kServer, "salusd");
  const pki::IdentityDirectory client_ = place_.Identify(pki::Role::kSource, "ehr");
  const std::filesystem::path folder_ = place_.path() / "spool";
};

TEST_F(ExchangeTest, CarriesACallThere) {
  auto transport = Open();
  ASSERT_TRUE(transport.has_value()) << transport.error().message;
  const std::jthread server = ServeOne(server_);
  Call call;
  call.method = http::Method::kPost;
  call.path = "/audit/v1/events";
  call.body = std::string("line\n\0x", 7);
  const auto answer = (*transport)->Send(call);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "got " + call.body);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "outbox"));
  const std::string own = codec::HexEncode(client_.chain().front().fingerprint()) + ".pem";
  EXPECT_TRUE(std::filesystem::exists(folder_ / "certificates" / own));
}

TEST_F(ExchangeTest, RefusesAnAnswerOfAnybodyElse) {
  const pki::IdentityDirectory other = place_.Identify(pki::Role::kSource, "other");
  auto transport = Open().value();
  const std::jthread server = ServeOne(other);
  const auto answer = transport->Send({});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(ExchangeTest, RefusesTheAnswerToAnotherRequest) {
  auto transport = Open().value();
  const std::jthread server = ServeOne(server_, "11111111-2222-4333-8444-555555555555");
  const auto answer = transport->Send({});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(ExchangeTest, SealsToNobodyButTheServerOfThePinnedRoot) {
  TestPlace forger("Forged root");
  std::filesystem::remove_all(folder_ / "certificates");
  std::filesystem::create_directories(folder_ / "certificates");
  const pki::IdentityDirectory forged = forger.Identify(pki::Role::kServer, "salusd");
  CHECK(pki::ReplacePublicFile(folder_ / "certificates" / "a.pem", forger.ChainPem(forged, true)));
  EXPECT_EQ(Open().error().code, ErrorCode::kFailedPrecondition);
  // A client's certificate of the right root is no server's either.
  Publish(place_.Identify(pki::Role::kAuditor, "x"));
  EXPECT_EQ(Open().error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(ExchangeTest, EndsWhenNobodyAnswers) {
  auto transport = Open(std::chrono::milliseconds(0)).value();
  EXPECT_EQ(transport->Send({}).error().code, ErrorCode::kUnavailable);
  std::filesystem::remove_all(folder_ / "inbox");
  EXPECT_EQ(Open().error().code, ErrorCode::kNotFound);
}

TEST(ExchangePayloadTest, ReadsWhatItWrites) {
  Call call;
  call.method = http::Method::kPut;
  call.path = "/a";
  call.query = "b=c";
  call.content_type = "x/y";
  call.body = std::string("\0\xff", 2);
  const Call read = DecodeCall(EncodeCall(call)).value();
  EXPECT_EQ(EncodeCall(read), EncodeCall(call));
  EXPECT_EQ(read.body, call.body);
  EXPECT_FALSE(DecodeCall(R"({"method":"BREW","path":"","query":"","content_type":"","body":""})")
                   .has_value());
  EXPECT_FALSE(DecodeCallAnswer(R"({"status":1000,"content_type":"","body":""})").has_value());
  EXPECT_FALSE(DecodeCallAnswer(R"({"status":200,"content_type":"","body":"="})").has_value());
}

}  // namespace
}  // namespace salus::client
