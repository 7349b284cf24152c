#include "aggregate/peer_roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "aggregate/peer_test_session.h"
#include "base/random.h"

namespace salus::aggregate {
namespace {

using ::testing::HasSubstr;

PeerRosterFields Fields() {
  PeerRosterFields out;
  out.title = "Heights";
  out.unit = "cm";
  out.minimum = 30;
  out.maximum = 272;
  out.join_time = std::chrono::hours(1);
  out.step_time = std::chrono::seconds(30);
  out.host_fingerprint.fill(0xee);
  for (std::uint8_t i : {3, 1, 2}) {
    PeerEntry party{.id = "p-" + std::to_string(i), .name = ""};
    party.fingerprint.fill(i);
    out.parties.push_back(party);
  }
  return out;
}

TEST(PeerRoster, NumbersPartiesByTheirCertificates) {
  const auto roster = PeerRoster::Create(Fields());
  ASSERT_TRUE(roster.has_value()) << roster.error().message;
  EXPECT_EQ(roster->Name(0), "p-1");
  EXPECT_EQ(roster->Name(2), "p-3");
  EXPECT_EQ(roster->Name(kPeerHost), "the host");
  crypto::Hash32 fingerprint;
  fingerprint.fill(2);
  EXPECT_EQ(roster->Find(fingerprint), PeerId{1});
  fingerprint.fill(4);
  EXPECT_EQ(roster->Find(fingerprint), std::nullopt);
}

TEST(PeerRoster, HasOneText) {
  const auto roster = PeerRoster::Create(Fields());
  const auto again = PeerRoster::Parse(roster->ToJson());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, *roster);
  EXPECT_EQ(again->hash(), roster->hash());
  const std::string& text = roster->ToJson();
  EXPECT_FALSE(PeerRoster::Parse(" " + text).has_value());
  EXPECT_FALSE(PeerRoster::Parse(text.substr(0, text.size() - 1) + ",\"more\":1}").has_value());
  EXPECT_FALSE(PeerRoster::Parse("{}").has_value());
}

TEST(PeerRoster, SaysWhatIsWrong) {
  const std::pair<const char*, std::function<void(PeerRosterFields&)>> cases[] = {
      {"minimum and maximum", [](auto& f) { f.maximum = f.minimum; }},
      {"minimum and maximum", [](auto& f) { f.maximum = f.minimum + (std::int64_t{1} << 32); }},
      {"minimum and maximum", [](auto& f) { f.minimum = -(std::int64_t{1} << 53) - 1; }},
      {"bucket", [](auto& f) { f.bucket = 2; }},
      {"bucket", [](auto& f) { f.bucket = 0; }},
      {"a histogram has 2 to 1000",
       [](auto& f) {
         f.statistic = PeerStatistic::kHistogram;
         f.maximum = 1030;
       }},
      {"inputs", [](auto& f) { f.inputs = 1; }},
      {"inputs", [](auto& f) { f.statistic = PeerStatistic::kRegression; }},
      {"join_seconds", [](auto& f) { f.join_time = std::chrono::seconds(0); }},
      {"parties: 3 to 255", [](auto& f) { f.parties.pop_back(); }},
      {"each needs a name", [](auto& f) { f.parties[0].id = f.parties[1].id; }},
      {"each needs a name", [](auto& f) { f.parties[0].name = "the host"; }},
      {"each certificate once",
       [](auto& f) { f.parties[0].fingerprint = f.parties[1].fingerprint; }},
      {"minimum_parties", [](auto& f) { f.minimum_parties = 2; }},
      {"minimum_parties", [](auto& f) { f.minimum_parties = 4; }},
      {"minimum_parties", [](auto& f) { f.threshold = true; }},
      {"minimum_parties: 5 to the number of parties",
       [](auto& f) {
         f.threshold = true;
         f.minimum_parties = 4;
         while (f.parties.size() < 7) {
           f.parties.push_back(f.parties[0]);
           f.parties.back().id = "more" + std::to_string(f.parties.size());
           f.parties.back().fingerprint[0] = static_cast<std::uint8_t>(f.parties.size());
         }
       }},
      {"party: id", [](auto& f) { f.parties[0].id = ""; }},
      {"title", [](auto& f) { f.title = "\x1b[2J"; }},
      {"title", [](auto& f) { f.title = std::string(2000, 'a'); }},
      {"the host can't be a party", [](auto& f) { f.parties[0].fingerprint = f.host_fingerprint; }},
  };
  for (const auto& [what, edit] : cases) {
    PeerRosterFields fields = Fields();
    edit(fields);
    const auto roster = PeerRoster::Create(fields);
    ASSERT_FALSE(roster.has_value()) << what;
    EXPECT_EQ(roster.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(roster.error().message, HasSubstr(what));
  }
}

TEST(PeerRoster, MeasuresFromTheMinimum) {
  PeerRosterFields fields = Fields();
  const auto heights = PeerRoster::Create(fields);
  EXPECT_EQ(heights->Measure({170}), (std::vector<std::uint64_t>{140}));
  for (const std::vector<std::int64_t>& bad :
       {std::vector<std::int64_t>{29}, {273}, {1'000'000'000}, {}, {170, 170}}) {
    EXPECT_FALSE(heights->Measure(bad).has_value());
  }
  EXPECT_EQ(heights->Instance(2).max_measurement, 242u);
  fields.statistic = PeerStatistic::kHistogram;
  fields.bucket = 10;
  const auto histogram = PeerRoster::Create(fields);
  EXPECT_EQ(histogram->Measure({272}), (std::vector<std::uint64_t>{24}));
  EXPECT_EQ(histogram->Instance(2).length, 25u);
  EXPECT_EQ(histogram->Instance(2).chunk_length, 5u);
}

TEST(PeerRoster, IsSignedByItsHost) {
  SeededRandom random(1);
  const PeerOwner host = NewOwner(random);
  const PeerOwner other = NewOwner(random);
  PeerRosterFields fields = Fields();
  fields.host_fingerprint = host.certificate.fingerprint();
  const auto roster = PeerRoster::Create(fields);
  const auto token = SignPeerRoster(*roster, host.key, host.certificate);
  ASSERT_TRUE(token.has_value()) << token.error().message;
  const auto read = SignedPeerRoster::Verify(*token, host.certificate.fingerprint());
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->roster, *roster);
  EXPECT_EQ(read->host, host.certificate);

  EXPECT_FALSE(SignedPeerRoster::Verify(*token, other.certificate.fingerprint()).has_value());
  EXPECT_FALSE(SignPeerRoster(*roster, other.key, host.certificate).has_value());
  EXPECT_FALSE(SignPeerRoster(*roster, other.key, other.certificate).has_value());
  for (std::size_t i = 0; i < token->size(); i += 7) {
    std::string changed = *token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(SignedPeerRoster::Verify(changed, host.certificate.fingerprint()).has_value())
        << i;
  }
}

}  // namespace
}  // namespace salus::aggregate
