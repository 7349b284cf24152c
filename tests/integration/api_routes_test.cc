// The other routes over TLS: history, registration, mandates, custody, the log's files, and that
// neither logs nor errors tell who it was about.

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "api_fixture.h"
#include "audit/history.h"
#include "codec/base64.h"
#include "http/uri.h"
#include "merkle/tile.h"
#include "pki/certification_request.h"

namespace salus {
namespace {

constexpr char kJson[] = "application/json";

http::ClientResponse PutJson(http::Client& client, std::string target, const codec::Json& body) {
  http::ClientRequest request;
  request.method = http::Method::kPut;
  request.target = std::move(target);
  request.headers.Add("Content-Type", kJson);
  const std::string text = codec::WriteJson(body);
  request.body = AsBytes(text);
  return *client.Send(request);
}

std::string ChainOf(const pki::IdentityDirectory& identity) {
  std::string pem;
  for (const pki::Certificate& one : identity.chain()) pem += one.ToPem();
  return pem;
}

TEST_F(ApiTest, AnOfficerConfirmsAClockThatJumped) {
  const auto officer = ClientOf(pki::Role::kOfficer, "dpo");
  const std::uint64_t before = node_->log().record_count();
  EXPECT_EQ(Post(*officer, "/audit/v1/clock", "{}", kJson).status, 409);
  EXPECT_EQ(node_->log().record_count(), before);
  clock_.Set(std::chrono::minutes(1));
  EXPECT_FALSE(node_->log().MakeCheckpoint());
  EXPECT_EQ(Get(*officer, "/readyz").status, 503);
  const auto confirmed = Post(*officer, "/audit/v1/clock", "{}", kJson);
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_NE(confirmed.body.find("\"entry\""), std::string::npos);
  EXPECT_TRUE(node_->log().MakeCheckpoint());
}

TEST_F(ApiTest, AnOfficerReadsTheSystemsEvents) {
  const auto& identity = Identity(pki::Role::kOfficer, "dpo");
  const auto officer = ClientOf(identity);
  EXPECT_EQ(PutJson(*officer, "/audit/v1/system", codec::JsonObject{}).status, 400);
  const auto put =
      PutJson(*officer, "/audit/v1/system", codec::JsonObject{{"certificate", ChainOf(identity)}});
  EXPECT_EQ(put.status, 204) << put.body;
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  const auto answer = Get(*officer, "/audit/v1/history/me");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto history = audit::DecodeHistory(AsBytes(answer.body));
  ASSERT_TRUE(history && history->map_value);
  EXPECT_EQ(Post(*officer, "/audit/v1/history", R"({"patient":"x"})", kJson).status, 403);
}

TEST_F(ApiTest, APatientRegisteredByCertificateGetsItsHistory) {
  ASSERT_TRUE(node_->PutSource("kis", "Hospital system"));
  const auto registrar = ClientOf(pki::Role::kRegistrar, "reg");
  // The identity's id is not the id in the records: the certificate ties them together.
  const auto& patient = Identity(pki::Role::kPatient, "portal-account-1");
  const auto put =
      PutJson(*registrar, std::string("/audit/v1/patients/") + kPatientId + "?system=urn%3Aahv",
              codec::JsonObject{{"name", "A. Canary"}, {"certificate", ChainOf(patient)}});
  ASSERT_EQ(put.status, 200) << put.body;

  const auto source = ClientOf(pki::Role::kSource, "kis");
  codec::JsonObject event = codec::ParseJson(Event("e1", kPatientId))->as_object();
  event["system"] = "urn:ahv";
  ASSERT_EQ(Post(*source, "/audit/v1/events", codec::WriteJson(event)).status, 200);
  ASSERT_TRUE(node_->log().MakeCheckpoint());

  const auto client = ClientOf(patient);
  const auto whoami = Get(*client, "/audit/v1/whoami");
  EXPECT_NE(whoami.body.find("\"registered\":true"), std::string::npos);
  const auto answer = Get(*client, "/audit/v1/history/me");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.Find("Content-Type"), "application/vnd.salus.history+cbor");
  const auto history = audit::DecodeHistory(AsBytes(answer.body));
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_TRUE(history->map_value);
  EXPECT_EQ(history->chain.size(), history->map_value->count);
  EXPECT_GE(history->shown.size(), 2u);  // the event and its grant

  EXPECT_EQ(Get(*client, "/audit/v1/history/me?form=2026-01-01").status, 400);
  EXPECT_EQ(Get(*client, "/audit/v1/history/me?from=yesterday").status, 400);
  EXPECT_EQ(Post(*client, "/audit/v1/history", R"({"patient":"x","extra":1})", kJson).status, 400);
}

TEST_F(ApiTest, AnAuditorIsMandatedAndReads) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "reg");
  const auto officer = ClientOf(pki::Role::kOfficer, "off");
  const auto& auditor = Identity(pki::Role::kAuditor, "auditco");
  EXPECT_EQ(PutJson(*registrar, "/audit/v1/auditors/other",
                    codec::JsonObject{{"certificate", ChainOf(auditor)}})
                .status,
            400);
  ASSERT_EQ(PutJson(*registrar, "/audit/v1/auditors/auditco",
                    codec::JsonObject{{"name", "Audit Co"}, {"certificate", ChainOf(auditor)}})
                .status,
            200);
  ASSERT_EQ(
      PutJson(*registrar, std::string("/audit/v1/patients/") + kPatientId, codec::JsonObject{})
          .status,
      200);
  const auto client = ClientOf(auditor);
  const std::string question = std::string("{\"patient\":\"") + kPatientId + "\"}";
  EXPECT_EQ(Post(*client, "/audit/v1/history", question, kJson).status, 403);
  codec::JsonObject patient{{"id", kPatientId}};
  const auto put =
      PutJson(*officer, "/audit/v1/mandates/auditco",
              codec::JsonObject{{"patients", codec::JsonArray{patient}}, {"purpose", "AUDIT"}});
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(Get(*client, "/audit/v1/mandates/auditco").status, 200);
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  const auto answer = Post(*client, "/audit/v1/history", question, kJson);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(audit::DecodeHistory(AsBytes(answer.body)));

  // The whole mandate with one entry, and the patient under it.
  const auto whole = Post(*client, "/audit/v1/history", R"({"purpose":"review"})", kJson);
  ASSERT_EQ(whole.status, 200) << whole.body;
  const auto mandate = audit::DecodeHistory(AsBytes(whole.body));
  ASSERT_TRUE(mandate && !mandate->permit.empty());
  const std::uint64_t before = node_->log().record_count();
  codec::JsonObject under{{"patient", kPatientId}, {"under", mandate->permit}};
  EXPECT_EQ(Post(*client, "/audit/v1/history", codec::WriteJson(under), kJson).status, 200);
  EXPECT_EQ(node_->log().record_count(), before);
  under["under"] = "forged";
  EXPECT_EQ(Post(*client, "/audit/v1/history", codec::WriteJson(under), kJson).status, 409);
  EXPECT_EQ(Post(*client, "/audit/v1/history", R"({"page":"forged"})", kJson).status, 409);
  EXPECT_EQ(Post(*client, "/audit/v1/history", R"({"page":"x","patient":"y"})", kJson).status, 400);
  EXPECT_EQ(Post(*client, "/audit/v1/history", R"({"purpose":"a\nb"})", kJson).status, 400);

  const auto list = Get(*officer, "/audit/v1/auditors");
  EXPECT_NE(list.body.find("auditco"), std::string::npos);
}

TEST_F(ApiTest, ASourceGetsItsOwnEntryWithItsProof) {
  ASSERT_TRUE(node_->PutSource("kis", "Hospital system"));
  ASSERT_TRUE(node_->PutSource("lab", "Laboratory"));
  const auto client = ClientOf(pki::Role::kSource, "kis");
  const auto sent = Post(*client, "/audit/v1/events", Event("e1", kPatientId));
  const auto index = Lines(sent.body)[1].at("index").to_number<std::uint64_t>();
  ASSERT_TRUE(node_->log().MakeCheckpoint());
  const std::string target = "/audit/v1/entries/" + std::to_string(index);
  const auto got = Get(*client, target);
  ASSERT_EQ(got.status, 200) << got.body;
  const codec::JsonObject body = codec::ParseJson(got.body)->as_object();
  EXPECT_EQ(body.at("entry").as_string(), Lines(sent.body)[1].at("entry").as_string());
  EXPECT_EQ(body.at("checkpoint").as_string(), node_->log().published()->note);
  EXPECT_EQ(Get(*ClientOf(pki::Role::kSource, "lab"), target).status, 403);
  EXPECT_EQ(Get(*client, "/audit/v1/entries/1x").status, 400);
}

TEST_F(ApiTest, FhirAuditEventsAreLogged) {
  ASSERT_TRUE(node_->PutSource("kis", "Hospital system"));
  const auto client = ClientOf(pki::Role::kSource, "kis");
  const std::string event =
      R"({"resourceType":"AuditEvent","type":{)"
      R"("system":"http://dicom.nema.org/resources/ontology/DCM",)"
      R"("code":"110110"},"action":"R","recorded":"2026-11-01T08:00:00Z","outcome":"0",)"
      R"("agent":[{"requestor":true,"who":{"identifier":{"value":"canary-user-5511"}}}],)"
      R"("source":{"observer":{"display":"kis"}},)"
      R"("entity":[{"what":{"reference":"Patient/canary-patient-7731"},)"
      R"("role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}}]})";
  const auto good = Post(*client, "/fhir/AuditEvent", event, "application/fhir+json");
  EXPECT_EQ(good.status, 201) << good.body;
  const auto bad =
      Post(*client, "/fhir/AuditEvent", R"({"resourceType":"Patient"})", "application/fhir+json");
  EXPECT_EQ(bad.status, 400) << bad.body;
  EXPECT_EQ(codec::ParseJson(bad.body)->at("resourceType").as_string(), "OperationOutcome");
}

TEST_F(ApiTest, TheLogsFilesAreServedAsTheyStand) {
  const auto client = PublicClient();
  const auto checkpoint = Get(*client, "/log/checkpoint");
  ASSERT_EQ(checkpoint.status, 200);
  EXPECT_EQ(checkpoint.body, node_->log().published()->note);
  EXPECT_EQ(checkpoint.headers.Find("Cache-Control"), "no-store");
  const auto size = node_->log().published()->size;
  const merkle::TileId id{0, 0, merkle::TileWidthAt(size, 0, 0)};
  const auto tile = Get(*client, "/log/" + id.Path());
  ASSERT_EQ(tile.status, 200) << tile.body;
  EXPECT_EQ(tile.body.size(), id.width * 32u);
  EXPECT_NE(tile.headers.Find("Cache-Control")->find("immutable"), std::string::npos);
  EXPECT_EQ(tile.headers.Find("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(Get(*client, "/log/tile/0/999").status, 404);
  EXPECT_EQ(Get(*client, "/log/tile/entries/000").status, 404 - 1);  // by name only
  EXPECT_EQ(Get(*client, "/audit/v1/whoami").status, 404);           // the machine door's
  const auto connect = Get(*client, "/connect.json");
  const codec::JsonObject pins = codec::ParseJson(connect.body)->as_object();
  EXPECT_EQ(pins.at("origin").as_string(), kOrigin);
  EXPECT_EQ(pins.at("root").as_string(), node_->root_certificate_pem());
  EXPECT_EQ(Get(*client, "/healthz").status, 200);
  EXPECT_EQ(Get(*client, "/readyz").status, 200);
  const auto openapi = codec::ParseJson(Get(*client, "/openapi.json").body);
  ASSERT_TRUE(openapi);
  // It answers 403 to whom the configuration does not admit.
  const auto& bundle = openapi->at("paths").at("/log/tile/entries/{path}").at("get").as_object();
  EXPECT_TRUE(bundle.at("responses").as_object().contains("403"));
  EXPECT_TRUE(bundle.at("security").as_array().at(0).as_object().contains("mutualTLS"));
  for (const char* odd : {"/log/tile/../..", "/log/tile/a%2fb", "/log/tile/%00"}) {
    const auto refused = Get(*client, odd);
    EXPECT_EQ(refused.status, 400) << odd;
    EXPECT_NE(refused.body.find("could mean two things"), std::string::npos) << refused.body;
  }
}

TEST_F(ApiTest, ACertificateComesWithItsChain) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "reg");
  pki::RequestSubject subject;
  subject.identity = *pki::Identity::Create(kOrigin, pki::Role::kPatient, "new");
  const auto identity = pki::IdentityDirectory::Create(root_ / "new", subject);
  ASSERT_TRUE(identity);
  const codec::JsonObject body{
      {"request", identity->request().ToPem()}, {"role", "patient"}, {"id", "new"}};
  const auto good = Post(*registrar, "/pki/v1/certificates", codec::WriteJson(body), kJson);
  ASSERT_EQ(good.status, 200) << good.body;
  const auto answer = codec::ParseJson(good.body)->as_object();
  const auto chain = pki::Certificate::FromPemBundle(answer.at("chain").as_string().c_str());
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->size(), 2u);
}

// What a process writes on standard error while it is alive.
class StandardError {
 public:
  explicit StandardError(const std::filesystem::path& file) : file_(file), saved_(dup(2)) {
    const int fd = open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    dup2(fd, 2);
    close(fd);
  }
  ~StandardError() {
    dup2(saved_, 2);
    close(saved_);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  std::string Text() const {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

 private:
  const std::filesystem::path file_;
  const int saved_;
};

TEST_F(ApiTest, NeitherLogsNorErrorsTellWhoItWasAbout) {
  ASSERT_TRUE(node_->PutSource("canary-source", "canary-source"));
  const StandardError log(root_ / "stderr");
  const auto source = ClientOf(pki::Role::kSource, "canary-source");
  const auto registrar = ClientOf(pki::Role::kRegistrar, "canary-registrar");
  const auto patient = ClientOf(pki::Role::kPatient, kPatientId);
  std::string errors;
  ASSERT_EQ(Post(*source, "/audit/v1/events", Event("canary-1", kPatientId)).status, 200);
  const std::string id(kPatientId);
  for (const http::ClientResponse& response :
       {Post(*source, "/audit/v1/events", Event("canary-1", kPatientId, "delete")),
        Post(*source, "/audit/v1/events", Event("canary-2", kPatientId, "canary-action")),
        Post(*source, "/audit/v1/events", "{\"canary-member\":1}"),
        Post(*source, "/audit/v1/events?canary=1", Event("canary-3", kPatientId)),
        Post(*patient, "/audit/v1/history", "{\"patient\":\"" + id + "\",\"canary\":1}", kJson),
        Post(*patient, "/audit/v1/history", "{\"patient\":\"canary-x\"}", kJson),
        Get(*registrar, "/audit/v1/patients/canary-nobody"),
        Get(*patient, "/audit/v1/readers/canary-nobody"), Get(*source, "/canary-path"),
        PutJson(*registrar, "/audit/v1/auditors/canary-a",
                codec::JsonObject{{"certificate", "canary-pem"}})}) {
    EXPECT_GE(response.status, 400);
    errors += response.body + "\n";
  }
  EXPECT_EQ(errors.find("canary"), std::string::npos) << errors;
  const std::string logged = log.Text();
  EXPECT_NE(logged.find("\"request\""), std::string::npos);
  EXPECT_EQ(logged.find("canary"), std::string::npos) << logged;
}

}  // namespace
}  // namespace salus
