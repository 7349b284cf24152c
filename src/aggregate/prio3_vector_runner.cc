#include "aggregate/prio3_vector_runner.h"

#include "aggregate/share_access.h"

namespace salus::aggregate::testing {

using crypto::testing::Fields;
using crypto::testing::Hex;
using crypto::testing::Unhex;

namespace {

std::string HexOf(const SecretBytes& secret) { return Hex(secret.view(ShareAccess::Token())); }

std::vector<Bytes> HexList(const boost::json::value& list) {
  std::vector<Bytes> out;
  for (const auto& item : list.as_array()) out.push_back(Unhex(item.as_string()));
  return out;
}

// Round 0 is the only round of Prio3.
const boost::json::value& OnlyRound(const boost::json::value& rounds) {
  EXPECT_EQ(rounds.as_array().size(), 1u);
  return rounds.as_array().at(0);
}

}  // namespace

Prio3VectorRunner::Prio3VectorRunner(const Prio3& prio3, Fields& file, std::string where,
                                     Numbers numbers)
    : prio3_(prio3), file_(file), where_(std::move(where)), numbers_(numbers) {
  EXPECT_EQ(file_.Text("agg_param"), "") << where_;
  EXPECT_EQ(file_.Number("shares"), prio3_.instance().shares) << where_;
  context_ = file_.HexBytes("ctx");
  verify_key_ = SecretBytes(ByteSpan(file_.HexBytes("verify_key")));
  aggregate_shares_ = HexList(file_.At("agg_shares"));
  result_ = file_.At("agg_result");
  for (const auto& report : file_.At("reports").as_array()) ReadReport(report.as_object());
}

void Prio3VectorRunner::ReadReport(const boost::json::object& json) {
  Fields fields(json);
  Report report;
  report.measurement = fields.At("measurement");
  report.nonce = fields.HexBytes("nonce");
  report.randomness = fields.HexBytes("rand");
  report.public_share = fields.HexBytes("public_share");
  report.input_shares = HexList(fields.At("input_shares"));
  report.output_shares = HexList(fields.At("out_shares"));
  report.verifier_shares = HexList(OnlyRound(fields.At("verifier_shares")));
  const auto& messages = fields.At("verifier_messages").as_array();
  report.has_message = !messages.empty();
  if (report.has_message) report.message = Unhex(OnlyRound(messages).as_string());
  report.states.resize(prio3_.instance().shares);
  fields.ExpectAllRead(where_ + " report");
  reports_.push_back(std::move(report));
}

void Prio3VectorRunner::Run() {
  for (const auto& operation : file_.At("operations").as_array()) Operate(operation.as_object());
  file_.ExpectAllRead(where_);
}

void Prio3VectorRunner::Operate(const boost::json::object& json) {
  Fields fields(json);
  const std::string name = fields.Text("operation");
  const bool success = fields.At("success").as_bool();
  SCOPED_TRACE(where_ + " " + name);
  const auto index = [&](std::string_view field) {
    return static_cast<std::size_t>(fields.Number(field));
  };
  if (name == "aggregate") {
    EXPECT_TRUE(success);
    Aggregate(index("aggregator_id"));
  } else if (name == "unshard") {
    EXPECT_TRUE(success);
    Unshard();
  } else {
    Report& report = reports_.at(index("report_index"));
    if (name == "shard") {
      Shard(report, success);
    } else if (name == "verify_init") {
      VerifyInit(report, index("aggregator_id"), success);
    } else if (name == "verifier_shares_to_message") {
      EXPECT_EQ(index("round"), 0u);
      ToMessage(report, success);
    } else if (name == "verify_next") {
      EXPECT_EQ(index("round"), 1u);
      VerifyNext(report, index("aggregator_id"), success);
    } else {
      ADD_FAILURE() << "an operation that no test knows";
    }
  }
  fields.ExpectAllRead(where_ + " " + name);
}

void Prio3VectorRunner::Shard(Report& report, bool success) {
  const auto shards = prio3_.Shard(context_, numbers_(report.measurement),
                                   std::span<const std::uint8_t, 16>(report.nonce),
                                   SecretBytes(ByteSpan(report.randomness)));
  ASSERT_EQ(shards.has_value(), success);
  if (!success) return;
  EXPECT_EQ(Hex(shards->public_share), Hex(report.public_share));
  ASSERT_EQ(shards->input_shares.size(), report.input_shares.size());
  for (std::size_t i = 0; i < report.input_shares.size(); ++i) {
    EXPECT_EQ(HexOf(shards->input_shares[i]), Hex(report.input_shares[i])) << "share " << i;
    EXPECT_EQ(prio3_.input_share_bytes(static_cast<std::uint8_t>(i)),
              report.input_shares[i].size());
  }
}

void Prio3VectorRunner::VerifyInit(Report& report, std::size_t aggregator, bool success) {
  const SecretBytes input(ByteSpan(report.input_shares.at(aggregator)));
  auto verification =
      prio3_.VerifyInit(verify_key_, context_, static_cast<std::uint8_t>(aggregator),
                        {report.nonce, report.public_share, &input});
  ASSERT_EQ(verification.has_value(), success);
  if (!success) return;
  EXPECT_EQ(Hex(verification->verifier_share), Hex(report.verifier_shares.at(aggregator)));
  EXPECT_EQ(verification->verifier_share.size(), prio3_.verifier_share_bytes());
  report.states.at(aggregator) = std::move(verification->state);
}

void Prio3VectorRunner::ToMessage(Report& report, bool success) {
  const std::vector<ByteSpan> shares(report.verifier_shares.begin(), report.verifier_shares.end());
  const auto message = prio3_.VerifierSharesToMessage(context_, shares);
  ASSERT_EQ(message.has_value(), success);
  if (success) {
    EXPECT_TRUE(report.has_message);
    EXPECT_EQ(Hex(*message), Hex(report.message));
  } else {
    EXPECT_EQ(message.error().code, ErrorCode::kVerificationFailed);
  }
}

void Prio3VectorRunner::VerifyNext(Report& report, std::size_t aggregator, bool success) {
  const auto output = prio3_.VerifyNext(std::move(report.states.at(aggregator)), report.message);
  ASSERT_EQ(output.has_value(), success);
  if (success) {
    EXPECT_EQ(HexOf(*output), Hex(report.output_shares.at(aggregator)));
  } else {
    EXPECT_EQ(output.error().code, ErrorCode::kVerificationFailed);
  }
}

void Prio3VectorRunner::Aggregate(std::size_t aggregator) {
  SecretBytes sum = prio3_.EmptyAggregate();
  for (const Report& report : reports_) {
    const SecretBytes share(ByteSpan(report.output_shares.at(aggregator)));
    ASSERT_TRUE(prio3_.Add(sum, share).has_value());
  }
  EXPECT_EQ(HexOf(sum), Hex(aggregate_shares_.at(aggregator)));
}

void Prio3VectorRunner::Unshard() {
  std::vector<SecretBytes> shares;
  for (const Bytes& share : aggregate_shares_) shares.emplace_back(ByteSpan(share));
  const auto sums = prio3_.Unshard(shares, reports_.size());
  ASSERT_TRUE(sums.has_value()) << sums.error().message;
  std::vector<std::uint64_t> expected;
  if (result_.is_array()) {
    for (const auto& sum : result_.as_array()) expected.push_back(sum.to_number<std::uint64_t>());
  } else {
    expected.push_back(result_.to_number<std::uint64_t>());
  }
  EXPECT_EQ(std::vector<std::uint64_t>(sums->begin(), sums->end()), expected);
}

}  // namespace salus::aggregate::testing
