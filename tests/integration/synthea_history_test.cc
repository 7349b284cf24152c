// The trace of Synthea's patients through a whole node, on three days with a restart in between.
// Each patient's and each auditor's verified history is compared with what went in, event for
// event.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <set>

#include "audit/custody.h"
#include "audit/fhir_event.h"
#include "audit/verify.h"
#include "node/node.h"
#include "pki/identity_directory.h"
#include "synthea_trace.h"

namespace salus::integration {
namespace {

namespace fs = std::filesystem;
using audit::HistoryAnswer;
using audit::HistoryQuestion;
using audit::ReaderKeys;
using audit::Subject;
using audit::SubjectKind;
using audit::VerifiedHistory;
using codec::JsonObject;

fs::path Vectors() {
  const char* const set = std::getenv("SALUS_VECTORS");
  return set != nullptr ? fs::path(set) : fs::path(SALUS_VECTORS_DEFAULT);
}

struct Reader {
  Subject subject;
  crypto::P256PrivateKey key = crypto::P256PrivateKey::Generate();
};

constexpr int kDays = 3;
constexpr std::size_t kLinesPerRequest = 500;

class SyntheaHistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "synthea_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    node::InitOptions options;
    options.directory = (folder_ / "data").string();
    options.origin = "log.example.org/synthea";
    const auto made = node::Node::Init(options, clock_, random_);
    ASSERT_TRUE(made) << made.error().message;
    Open();
    ASSERT_TRUE(node_->PutSource("ehr-1", "The hospital's EHR"));
  }
  void TearDown() override {
    node_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  void Open() {
    node_.reset();
    auto opened = node::Node::Open((folder_ / "data").string(), node::NodeAccess::kReadWrite,
                                   clock_, random_);
    ASSERT_TRUE(opened) << opened.error().message;
    node_ = *std::move(opened);
  }

  void Register(const Reader& patient) {
    audit::PatientRow row;
    row.subject = patient.subject;
    row.key = patient.key.public_key();
    const auto ok = node_->PutPatient(row);
    ASSERT_TRUE(ok) << ok.error().message;
  }

  void RegisterAuditor(const Reader& auditor) {
    const auto ok =
        node_->PutAuditor({auditor.subject, "An audit company", auditor.key.public_key(), {}});
    ASSERT_TRUE(ok) << ok.error().message;
  }

  // Sends one day's third of every patient's events, in requests that mix the patients.
  void Ingest(const std::vector<TracedPatient>& trace, int day) {
    std::vector<const JsonObject*> events;
    for (std::size_t i = 0; i < LongestOf(trace); ++i) {
      for (const TracedPatient& patient : trace) {
        if (i < patient.events.size() && DayOfEvent(patient, i) == day) {
          events.push_back(&patient.events[i]);
        }
      }
    }
    for (std::size_t at = 0; at < events.size(); at += kLinesPerRequest) {
      std::string lines;
      const std::size_t end = std::min(at + kLinesPerRequest, events.size());
      for (std::size_t i = at; i < end; ++i) lines += codec::WriteJson(*events[i]) + "\n";
      Send(lines, end - at);
    }
  }

  void Send(const std::string& lines, std::size_t count) {
    std::promise<Result<audit::RecordedBatch>> promise;
    node_->recorder().RecordLines(
        *node_->directory().FindSource("ehr-1"), lines, {},
        [&](Result<audit::RecordedBatch> batch) { promise.set_value(std::move(batch)); });
    const auto batch = promise.get_future().get();
    ASSERT_TRUE(batch) << batch.error().message;
    ASSERT_EQ(batch->lines.size(), count);
    for (const audit::RecordedLine& line : batch->lines) {
      ASSERT_TRUE(line.outcome) << line.outcome.error().message;
    }
  }

  static std::size_t LongestOf(const std::vector<TracedPatient>& trace) {
    std::size_t longest = 0;
    for (const TracedPatient& patient : trace) longest = std::max(longest, patient.events.size());
    return longest;
  }
  static int DayOfEvent(const TracedPatient& patient, std::size_t event) {
    return static_cast<int>(event * kDays / patient.events.size());
  }
  // What a reader who may read from that day on is to see.
  static std::vector<JsonObject> Since(const TracedPatient& patient, int day) {
    std::vector<JsonObject> out;
    for (std::size_t i = 0; i < patient.events.size(); ++i) {
      if (DayOfEvent(patient, i) >= day) out.push_back(patient.events[i]);
    }
    return out;
  }

  HistoryAnswer Ask(const Subject& asker, const Subject& subject) {
    HistoryQuestion question;
    question.subject = subject;
    EXPECT_TRUE(node_->historian().Answer(asker, question));
    EXPECT_TRUE(node_->log().MakeCheckpoint());
    const auto answer = node_->historian().Answer(asker, question);
    EXPECT_TRUE(answer) << answer.error().message;
    return audit::DecodeHistory(audit::EncodeHistory(answer.value())).value();
  }

  audit::VerifyQuestion VerifyAs(const Subject& subject, const ReaderKeys& keys) {
    pinned_ = node_->pinned();
    audit::VerifyQuestion question;
    question.log = &*pinned_;
    question.subject = subject;
    question.keys = &keys;
    question.now = clock_.Now();
    return question;
  }

  static ReaderKeys KeysOf(const Reader& reader) {
    ReaderKeys keys;
    keys.own_key = &reader.key;
    keys.reader = reader.subject;
    return keys;
  }

  // Event for event: the server adds the source, and nothing else.
  static void ExpectSame(const VerifiedHistory& history, const std::vector<JsonObject>& sent) {
    ASSERT_EQ(history.events.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      JsonObject got = audit::EventToJson(history.events[i].event);
      EXPECT_EQ(got.at("source"), "ehr-1");
      got.erase("source");
      ASSERT_EQ(got, sent[i]) << "event " << i;
    }
  }

  VerifiedHistory Verify(const Subject& asker, const Subject& subject, const ReaderKeys& keys) {
    const HistoryAnswer answer = Ask(asker, subject);
    auto history = audit::VerifyHistory(VerifyAs(subject, keys), answer);
    EXPECT_TRUE(history) << history.error().message;
    return history ? *std::move(history) : VerifiedHistory{};
  }

  // The custodians release what was sealed before the patient had a key.
  crypto::P256PrivateKey JoinCustody(const Reader& patient) {
    for (const char* id : {"custodian-1", "custodian-2"}) {
      const auto identity =
          pki::IdentityDirectory::Open(folder_ / "data" / "custodians-offline" / id).value();
      for (const audit::CustodyShareRow& share : node_->directory().SharesOf(patient.subject)) {
        if (share.custodian_id != id) continue;
        const auto released = audit::ReleaseShare(share, identity.encryption_key(),
                                                  patient.key.public_key(), random_);
        EXPECT_TRUE(node_->ReleaseShare(patient.subject, id, released.value()));
      }
    }
    const auto shares = node_->directory().SharesOf(patient.subject);
    return audit::JoinCustody(patient.subject, shares, shares.at(0).threshold, patient.key,
                              *node_->directory().FindPatient(patient.subject)->custody_key)
        .value();
  }

  fs::path folder_;
  FakeClock clock_{FromUnixMillis(1'763'596'800'000 + 8 * 3'600'000)};  // 2025-11-20T08:00:00Z
  SystemRandom random_;
  std::unique_ptr<node::Node> node_;
  std::optional<audit::PinnedLog> pinned_;
};

TEST_F(SyntheaHistoryTest, EveryReaderGetsWhatWentIn) {
  const fs::path folder = Vectors() / "exchange/synthea-r4";
  if (!fs::exists(folder)) GTEST_SKIP() << "skipped: vectors not found";
  const auto trace = SyntheaTrace(folder.string());
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->size(), 22u);

  std::vector<Reader> patients;
  for (const TracedPatient& patient : *trace) patients.push_back({patient.subject});
  // The last one enrols on the third day; until then custodians hold the key.
  for (std::size_t i = 0; i + 1 < patients.size(); ++i) Register(patients[i]);
  const Reader first{Subject{SubjectKind::kAuditor, "", "first-company"}};
  const Reader second{Subject{SubjectKind::kAuditor, "", "second-company"}};
  RegisterAuditor(first);
  RegisterAuditor(second);
  std::vector<Subject> even;
  std::vector<Subject> odd;
  for (std::size_t i = 0; i + 1 < patients.size(); ++i) {
    (i % 2 == 0 ? even : odd).push_back(patients[i].subject);
  }
  ASSERT_TRUE(node_->PutMandate("first-company", even, "quality", std::nullopt, std::nullopt));

  Ingest(*trace, 0);
  clock_.Advance(std::chrono::hours(24));
  node_->recorder().ForgetOldEpochs();
  ASSERT_TRUE(node_->PutMandate("second-company", odd, "supervision", std::nullopt, std::nullopt));
  Ingest(*trace, 1);
  Open();
  clock_.Advance(std::chrono::hours(24));
  Register(patients.back());
  Ingest(*trace, 2);
  ASSERT_TRUE(node_->log().MakeCheckpoint());

  for (std::size_t i = 0; i + 1 < patients.size(); ++i) {
    const Subject& subject = patients[i].subject;
    const VerifiedHistory history = Verify(subject, subject, KeysOf(patients[i]));
    ExpectSame(history, Since((*trace)[i], 0));
    EXPECT_EQ(history.waiting_for_custodians + history.not_for_reader + history.under_older_key,
              0u);
  }
  ExpectSame(Verify(patients.back().subject, patients.back().subject, KeysOf(patients.back())),
             Since(trace->back(), 2));
  const crypto::P256PrivateKey custody = JoinCustody(patients.back());
  ReaderKeys keys = KeysOf(patients.back());
  keys.custody_key = &custody;
  ExpectSame(Verify(patients.back().subject, patients.back().subject, keys),
             Since(trace->back(), 0));

  for (const auto& [auditor, mandate, since] :
       {std::tuple(&first, 0u, 0), std::tuple(&second, 1u, 1)}) {
    const HistoryAnswer own = Ask(auditor->subject, auditor->subject);
    const ReaderKeys own_keys = KeysOf(*auditor);
    const auto joined = audit::JoinHistory(VerifyAs(auditor->subject, own_keys), {&own, 1});
    ASSERT_TRUE(joined) << joined.error().message;
    for (std::size_t i = mandate; i + 1 < patients.size(); i += 2) {
      ExpectSame(Verify(auditor->subject, patients[i].subject, joined->keys),
                 Since((*trace)[i], since));
    }
    HistoryQuestion other;
    other.subject = patients[1 - mandate].subject;
    EXPECT_EQ(node_->historian().Answer(auditor->subject, other).error().code,
              ErrorCode::kPermissionDenied);
  }
}

TEST(SyntheaTraceTest, HasEveryActionAndIsTheSameEachTime) {
  const fs::path folder = Vectors() / "exchange/synthea-r4";
  if (!fs::exists(folder)) GTEST_SKIP() << "skipped: vectors not found";
  const auto trace = SyntheaTrace(folder.string()).value();
  const auto again = SyntheaTrace(folder.string()).value();
  std::set<std::string> actions;
  std::size_t visits = 0;
  std::size_t broken_glass = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    EXPECT_EQ(trace[i].events, again[i].events);
    EXPECT_GT(trace[i].events.size(), 30u);
    for (const JsonObject& event : trace[i].events) {
      actions.insert(std::string(event.at("action").as_string()));
      if (event.at("user") != "reception") continue;
      ++visits;
      if (event.at("purpose") == "BTG") ++broken_glass;
    }
  }
  EXPECT_THAT(actions,
              testing::ElementsAre("change", "copy", "create", "delete", "print", "query", "read"));
  EXPECT_EQ(visits, 269u);  // the encounters of the files, counted apart
  EXPECT_EQ(broken_glass, 21u);
}

}  // namespace
}  // namespace salus::integration
