// POST /audit/v1/events over TLS: answers, errors by line, repeats, conflicts, long bodies.

#include <algorithm>

#include "api/ingest.h"
#include "api_fixture.h"
#include "audit/receipt.h"

#include "codec/base64.h"
#include "merkle/hash.h"

namespace salus {
namespace {

using codec::JsonObject;

class ApiIngestTest : public ApiSourceTest {
 protected:
  static const JsonObject* LineOf(const std::vector<JsonObject>& lines, std::int64_t number) {
    for (const JsonObject& line : lines) {
      const auto* value = line.if_contains("line");
      if (value != nullptr && value->to_number<std::int64_t>() == number) return &line;
    }
    return nullptr;
  }
};

TEST_F(ApiIngestTest, OneEventIsLoggedWithItsReceipt) {
  const auto response = Post(*client_, "/audit/v1/events", Event("e1", kPatientId));
  ASSERT_EQ(response.status, 200) << response.body;
  const auto lines = Lines(response.body);
  ASSERT_EQ(lines.size(), 4u) << response.body;
  EXPECT_EQ(lines[0].at("id").as_string(), kPatientId);
  EXPECT_EQ(codec::Base64UrlDecode(lines[0].at("proof").as_string().c_str())->size(), 80u);
  EXPECT_EQ(lines[1].at("status").as_string(), "logged");
  EXPECT_EQ(lines[1].at("id").as_string(), "e1");
  EXPECT_EQ(codec::Base64UrlDecode(lines[1].at("key").as_string().c_str())->size(), 32u);
  // The entry hashes to the leaf that the answer names, and the log has it at that index.
  const Bytes entry = *codec::Base64UrlDecode(lines[1].at("entry").as_string().c_str());
  const Bytes leaf = *codec::Base64UrlDecode(lines[1].at("leaf").as_string().c_str());
  EXPECT_TRUE(Equal(merkle::HashLeaf(entry).span(), leaf));
  const auto stored = node_->log().ReadEntry({lines[1].at("index").to_number<std::uint64_t>()});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->entry, entry);
  EXPECT_EQ(lines[2].at("lines").as_array().at(0).as_int64(), 1);
  EXPECT_TRUE(lines[3].at("done").as_bool());
  EXPECT_EQ(lines[3].at("logged").as_int64(), 1);
}

TEST_F(ApiIngestTest, KeysAndEntriesCanBeLeftOut) {
  const auto response =
      Post(*client_, "/audit/v1/events?keys=false&entries=false", Event("e1", kPatientId));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.body.find("\"key\""), std::string::npos);
  EXPECT_EQ(response.body.find("\"entry\""), std::string::npos);
}

TEST_F(ApiIngestTest, BadLinesAreRefusedByNumberAndTheOthersLogged) {
  std::string body = Event("a", kPatientId);
  body += "{\"id\":\"b\"\n";                                  // 2: no JSON
  body += "\n";                                               // 3: blank
  body += Event("c", kPatientId, "juggle");                   // 4: unknown action
  body += std::string("{\"id\":\"\xff\"}\n");                 // 5: no UTF-8
  body += "{\"id\":\"f\",\"id\":\"g\"}\n";                    // 6: twice
  body += "{\"id\":\"" + std::string(70'000, 'x') + "\"}\n";  // 7: too long
  body += Event(std::string(129, 'i'), kPatientId);           // 8: id too long
  body += Event("z", kOtherPatientId);                        // 9
  const auto response = Post(*client_, "/audit/v1/events", body);
  ASSERT_EQ(response.status, 200);
  const auto lines = Lines(response.body);
  for (const std::int64_t number : {2, 4, 5, 6, 7, 8}) {
    const JsonObject* line = LineOf(lines, number);
    ASSERT_NE(line, nullptr) << number;
    EXPECT_EQ(line->at("status").as_string(), "refused") << number;
    EXPECT_EQ(line->at("error").as_string(), "invalid-argument") << number;
  }
  EXPECT_EQ(LineOf(lines, 3), nullptr);
  EXPECT_EQ(LineOf(lines, 4)->at("member").as_string(), "action");
  EXPECT_EQ(LineOf(lines, 1)->at("status").as_string(), "logged");
  EXPECT_EQ(LineOf(lines, 9)->at("status").as_string(), "logged");
  EXPECT_EQ(lines.back().at("refused").as_int64(), 6);
}

TEST_F(ApiIngestTest, ARepeatAndAConflictAreToldApartAcrossARestart) {
  const auto first = Post(*client_, "/audit/v1/events", Event("e1", kPatientId));
  ASSERT_EQ(first.status, 200);
  const auto index = Lines(first.body)[1].at("index").to_number<std::uint64_t>();
  for (int round = 0; round < 2; ++round) {
    const auto again = Post(*client_, "/audit/v1/events", Event("e1", kPatientId));
    ASSERT_EQ(again.status, 200) << again.body;
    const auto lines = Lines(again.body);
    EXPECT_EQ(lines[1].at("status").as_string(), "repeat");
    EXPECT_EQ(lines[1].at("index").to_number<std::uint64_t>(), index);
    const auto other = Post(*client_, "/audit/v1/events", Event("e1", kPatientId, "delete"));
    EXPECT_EQ(other.status, 409);
    EXPECT_NE(other.body.find("\"conflict\""), std::string::npos) << other.body;
    client_.reset();
    StopServer();
    StartServer();
    client_ = ClientOf(pki::Role::kSource, "kis");
  }
}

TEST_F(ApiIngestTest, AnAtomicRequestIsAllOrNothing) {
  const std::uint64_t before = node_->log().record_count();
  const auto response = Post(*client_, "/audit/v1/events?atomic=true",
                             Event("a", kPatientId) + Event("b", kPatientId, "juggle"));
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(node_->log().record_count(), before);
  const std::string long_body(api::kMaxAtomicBytes + 1, '\n');
  EXPECT_EQ(Post(*client_, "/audit/v1/events?atomic=true", long_body).status, 413);
}

TEST_F(ApiIngestTest, ALongBodyIsAnsweredLineByLineInOrder) {
  constexpr int kEvents = 7'500;
  std::string body;
  for (int i = 0; i < kEvents; ++i) {
    body += Event("long-" + std::to_string(i), i % 2 == 0 ? kPatientId : kOtherPatientId);
  }
  body.pop_back();  // the last line may lack its line feed
  const auto response = Post(*client_, "/audit/v1/events?entries=false", body);
  ASSERT_EQ(response.status, 200) << response.body;
  const auto lines = Lines(response.body);
  std::int64_t next = 1;
  std::size_t patients = 0;
  for (const JsonObject& line : lines) {
    if (line.contains("proof")) ++patients;
    if (!line.contains("line")) continue;
    ASSERT_EQ(line.at("line").as_int64(), next++);
    ASSERT_EQ(line.at("status").as_string(), "logged");
  }
  EXPECT_EQ(next, kEvents + 1);
  EXPECT_EQ(patients, 2u);  // each announced once
  EXPECT_EQ(lines.back().at("logged").as_int64(), kEvents);
}

TEST_F(ApiIngestTest, RequestsThatAreNotEventsAreRefused) {
  EXPECT_EQ(Post(*client_, "/audit/v1/events", "").status, 400);
  EXPECT_EQ(Post(*client_, "/audit/v1/events", Event("a", kPatientId), "text/csv").status, 415);
  EXPECT_EQ(Post(*client_, "/audit/v1/events?atomc=true", Event("a", kPatientId)).status, 400);
  EXPECT_EQ(Post(*client_, "/audit/v1/events?atomic=yes", Event("a", kPatientId)).status, 400);
  EXPECT_EQ(Post(*client_, "/audit/v1/events", "{\"id\":1}\n").status, 400);
}

}  // namespace
}  // namespace salus
