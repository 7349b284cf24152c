#include "api_fixture.h"

#include <unistd.h>

#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "crypto/pkcs8.h"
#include "pki/certificate.h"

namespace salus {

void ApiTest::SetUp() {
  std::string name = (std::filesystem::temp_directory_path() / "salus-api-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  root_ = name;
  node::InitOptions options;
  options.directory = (root_ / "data").string();
  options.origin = kOrigin;
  options.public_port = 0;
  options.machine_port = 0;
  const auto report = node::Node::Init(options, clock_, random_);
  ASSERT_TRUE(report) << report.error().message;
  StartServer();
}

void ApiTest::TearDown() {
  StopServer();
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void ApiTest::StartServer() {
  auto node =
      node::Node::Open((root_ / "data").string(), node::NodeAccess::kReadWrite, clock_, random_);
  ASSERT_TRUE(node) << node.error().message;
  node_ = *std::move(node);
  auto server = api::ApiServer::Start(*node_);
  ASSERT_TRUE(server) << server.error().message;
  server_ = *std::move(server);
}

void ApiTest::StopServer() {
  if (server_ != nullptr) {
    EXPECT_TRUE(server_->Drain(std::chrono::seconds(20)));
  }
  server_.reset();
  node_.reset();
}

const pki::IdentityDirectory& ApiTest::Identity(pki::Role role, const std::string& id) {
  const std::string name = std::string(pki::RoleName(role)) + "-" + id;
  if (const auto found = identities_.find(name); found != identities_.end()) return found->second;
  pki::RequestSubject subject;
  subject.name = "cn that says nothing";
  subject.identity = *pki::Identity::Create(kOrigin, role, id);
  auto identity = pki::IdentityDirectory::Create(root_ / name, subject);
  EXPECT_TRUE(identity) << identity.error().message;
  const auto chain = node_->Certify(identity->request().ToPem(), role, id);
  EXPECT_TRUE(chain) << chain.error().message;
  EXPECT_TRUE(identity->Install(*pki::Certificate::FromPemBundle(*chain)));
  return identities_.emplace(name, *std::move(identity)).first->second;
}

std::unique_ptr<http::Client> ApiTest::ClientOf(const pki::IdentityDirectory& identity) {
  http::ClientOptions options;
  options.base_url = "https://localhost:" + std::to_string(server_->machine_port());
  options.trust_anchors_pem = node_->root_certificate_pem();
  for (const pki::Certificate& one : identity.chain()) {
    options.certificate_chain_pem += one.ToPem();
  }
  options.private_key = *crypto::EncodePrivateKeyDer(identity.signing_key().Clone());
  return *http::Client::Create(std::move(options));
}

std::unique_ptr<http::Client> ApiTest::PublicClient() {
  http::ClientOptions options;
  options.base_url = "https://localhost:" + std::to_string(server_->public_port());
  options.trust_anchors_pem = node_->root_certificate_pem();
  return *http::Client::Create(std::move(options));
}

client::PinnedServer ApiTest::Pin() {
  const auto root = pki::Certificate::FromPem(node_->root_certificate_pem());
  client::FirstContact contact;
  contact.url = "https://localhost:" + std::to_string(server_->public_port());
  contact.fingerprint = codec::HexEncode(root->fingerprint());
  auto pinned = client::Connect(contact);
  EXPECT_TRUE(pinned.has_value()) << pinned.error().message;
  return *std::move(pinned);
}

http::ClientResponse ApiTest::Send(http::Client& client, http::Method method, std::string target,
                                   std::string_view body, std::string_view type) {
  http::ClientRequest request;
  request.method = method;
  request.target = std::move(target);
  if (!type.empty()) request.headers.Add("Content-Type", std::string(type));
  request.body = AsBytes(body);
  auto response = client.Send(request);
  EXPECT_TRUE(response) << response.error().message;
  return response ? *std::move(response) : http::ClientResponse{};
}

std::string ApiTest::Event(std::string_view id, std::string_view patient, std::string_view action) {
  codec::JsonObject event;
  event["id"] = id;
  event["time"] = "2026-11-01T08:00:00Z";
  event["patient"] = patient;
  event["user"] = "canary-user-5511";
  event["action"] = action;
  return codec::WriteJson(event) + "\n";
}

std::vector<codec::JsonObject> ApiTest::Lines(std::string_view ndjson) {
  std::vector<codec::JsonObject> lines;
  while (!ndjson.empty()) {
    const std::size_t end = ndjson.find('\n');
    const auto json = codec::ParseJson(ndjson.substr(0, end));
    EXPECT_TRUE(json) << json.error().message;
    lines.push_back(json->as_object());
    ndjson.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace salus
