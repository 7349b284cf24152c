// Nobody's id reaches the log's files, the server's log lines or an error message in clear.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "codec/base64.h"
#include "codec/hex.h"
#include "directory_image.h"
#include "node_fixture.h"

namespace salus::integration {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kPatients = {"canarypatientone", "canarypatienttwo"};
const std::vector<std::string> kOthers = {"canaryuser",     "canaryrecord", "canaryrole",
                                          "canaryusername", "canaryplace",  "canarydetail",
                                          "canaryevent",    "canarypurpose"};

// StandardError sends standard error to a file while it lives.
class StandardError {
 public:
  explicit StandardError(fs::path path) : path_(std::move(path)), old_(::dup(2)) {
    const int file = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(file, 2);
    ::close(file);
  }
  ~StandardError() {
    ::dup2(old_, 2);
    ::close(old_);
  }
  std::string Text() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  const fs::path path_;
  const int old_;
};

// Every form in which an id could stand somewhere.
std::vector<std::string> Forms(const std::string& id) {
  std::vector<std::string> forms = {id, codec::HexEncode(AsBytes(id))};
  for (std::size_t shift = 0; shift < 3; ++shift) {  // base64 of a text with the id in it
    const std::string middle = codec::Base64UrlEncode(AsBytes(std::string(shift, 'x') + id));
    forms.push_back(middle.substr(shift == 0 ? 0 : 4, middle.size() - 8));
  }
  return forms;
}

void ExpectNone(const std::vector<std::string>& ids, std::string_view text,
                const std::string& where) {
  for (const std::string& id : ids) {
    for (const std::string& form : Forms(id)) {
      EXPECT_EQ(text.find(form), std::string_view::npos) << id << " as " << form << " in " << where;
    }
  }
}

class CanaryTest : public testing::Test {
 protected:
  std::string Line(int patient, int event, std::string_view action = "read") const {
    return fmt::format(R"({{"id":"canaryevent{}","time":"2025-11-20T09:30:00Z","patient":"{}",)"
                       R"("user":"canaryuser","user_name":"canaryusername","role":"canaryrole",)"
                       R"("record":"canaryrecord","place":"canaryplace","detail":"canarydetail",)"
                       R"("purpose":"canarypurpose","action":"{}"}})"
                       "\n",
                       event, kPatients[static_cast<std::size_t>(patient)], action);
  }

  void Note(const Error& error) { messages += error.message + "\n"; }
  template <typename T>
  void NoteFailure(const Result<T>& result) {
    ASSERT_FALSE(result);
    Note(result.error());
  }

  void RecordAll() {
    std::string lines;
    for (int i = 0; i < 100; ++i) lines += Line(i % 2, i);
    lines += Line(1, 1, "change");        // a conflict
    lines += Line(0, 200, "canaryrole");  // refused
    lines += R"({"canaryuser":"canaryrecord"})"
             "\n"
             R"({"id":"canaryevent7)"
             "\n";
    const auto batch = fixture.Send(lines);
    ASSERT_TRUE(batch);
    int refused = 0;
    for (const auto& line : batch->lines) {
      if (line.outcome) continue;
      Note(line.outcome.error());
      ++refused;
    }
    EXPECT_EQ(refused, 4);
  }

  void AskAll() {
    audit::HistoryQuestion question;
    question.subject = Subject(0);
    EXPECT_TRUE(fixture.node->historian().Answer(Subject(0), question));
    EXPECT_TRUE(fixture.node->historian().Answer(NodeFixture::Auditor("auditor-a"), question));
    NoteFailure(fixture.node->historian().Answer(Subject(1), question));
    question.subject.id = "canarypatientnobody";
    NoteFailure(fixture.node->historian().Answer(Subject(1), question));
    NoteFailure(fixture.node->PutMandate("auditor-a", {question.subject}, "x", {}, {}));
    NoteFailure(fixture.node->ReleaseShare(Subject(0), "canaryrole", "canarydetail"));
  }

  static audit::Subject Subject(std::size_t i) {
    return {audit::SubjectKind::kPatient, "", kPatients[i]};
  }

  NodeFixture fixture{2};
  std::string messages;
};

TEST_F(CanaryTest, NoIdIsInTheLogsBytesTheLogLinesOrTheErrors) {
  const StandardError standard_error(fixture.scratch.path() / "stderr");
  audit::PatientRow row;
  row.subject = Subject(0);
  row.name = "canarypatientname";
  row.key = crypto::P256PrivateKey::Generate().public_key();
  ASSERT_TRUE(fixture.node->PutPatient(row));  // the other one goes into custody
  ASSERT_TRUE(fixture.node->PutMandate("auditor-a", {Subject(0)}, "quality", {}, {}));
  RecordAll();
  AskAll();
  ASSERT_TRUE(fixture.node->log().MakeCheckpoint());
  const DirectoryImage open = ReadImage(fixture.directory);
  fixture.Close();
  const DirectoryImage closed = ReadImage(fixture.directory);

  // Errors and log lines of a directory that is damaged.
  DirectoryImage damaged = closed;
  Bytes& segment = damaged.at("log/segments/0000000000000000.seg").content;
  segment[segment.size() / 2] ^= 1;
  std::erase_if(damaged, [](const auto& f) { return f.first.starts_with("log/hashes"); });
  const std::string copy = (fixture.scratch.path() / "copy").string();
  WriteImage(damaged, copy);
  NoteFailure(node::Node::Open(copy, node::NodeAccess::kReadWrite, fixture.clock, fixture.random));

  std::vector<std::string> everyone = kPatients;
  everyone.insert(everyone.end(), kOthers.begin(), kOthers.end());
  everyone.emplace_back("canarypatientname");
  bool has_patients = false;
  for (const DirectoryImage* image : {&open, &closed}) {
    for (const auto& [name, file] : *image) {
      const std::string_view bytes = AsText(file.content);
      const bool may_name_patients = name.starts_with("control.db");
      ExpectNone(may_name_patients ? kOthers : everyone, bytes, name);
      has_patients = has_patients || bytes.find(kPatients[0]) != std::string_view::npos;
    }
  }
  EXPECT_TRUE(has_patients);  // control.db has them in clear: the search finds what is there
  for (const std::string& text : {standard_error.Text(), messages}) {
    EXPECT_FALSE(text.empty());
    EXPECT_EQ(text.find("canary"), std::string::npos) << text;
    ExpectNone(everyone, text, "log lines or error messages");
  }
}

}  // namespace
}  // namespace salus::integration
