#include "audit/notices.h"

#include <gtest/gtest.h>

#include "codec/hex.h"

namespace salus::audit {
namespace {

MandateNotice SomeMandate() {
  MandateNotice notice{.auditor = "a",
                       .auditor_name = "A",
                       .from = FromUnixDay(20'000),
                       .until = std::nullopt,
                       .purpose = "review",
                       .mandate_tag = {},
                       .mandate_proof = {},
                       .is_removed = true,
                       .key = crypto::P256PrivateKey::Generate().public_key()};
  notice.mandate_tag.data()[0] = 7;
  notice.mandate_proof.bytes[79] = 8;
  return notice;
}

TEST(NoticesTest, AMandateSaysWhoMayReadUnderWhichKey) {
  MandateNotice notice = SomeMandate();
  // Written by hand: a map of 9, each label before its value.
  const std::string expected =
      "a9"
      "016161"
      "026141"
      "03194e20"
      "04f6"
      "0566726576696577"
      "06582007" +
      std::string(62, '0') + "075850" + std::string(158, '0') +
      "08"
      "08f5"
      "095841" +
      codec::HexEncode(notice.key.sec1());
  EXPECT_EQ(codec::HexEncode(EncodeMandateNotice(notice)), expected);
  notice.until = FromUnixDay(20'001);
  const MandateNotice read = DecodeMandateNotice(EncodeMandateNotice(notice)).value();
  EXPECT_EQ(read.auditor, "a");
  EXPECT_EQ(read.auditor_name, "A");
  EXPECT_EQ(read.from, notice.from);
  EXPECT_EQ(read.until, notice.until);
  EXPECT_EQ(read.purpose, "review");
  EXPECT_EQ(read.mandate_tag, notice.mandate_tag);
  EXPECT_EQ(read.mandate_proof, notice.mandate_proof);
  EXPECT_TRUE(read.is_removed);
  EXPECT_TRUE(read.key == notice.key);
}

TEST(NoticesTest, OthersAreReadBack) {
  const SharedDaysNotice shared{"a", FromUnixDay(1), FromUnixDay(2), "jwe"};
  const SharedDaysNotice days = DecodeSharedDaysNotice(EncodeSharedDaysNotice(shared)).value();
  EXPECT_EQ(codec::HexEncode(EncodeSharedDaysNotice(shared)), "a40161610201030204636a7765");
  EXPECT_EQ(days.auditor, "a");
  EXPECT_EQ(days.from, shared.from);
  EXPECT_EQ(days.to, shared.to);
  EXPECT_EQ(days.sealed, "jwe");

  const MandateCount count = DecodeMandateCount(EncodeMandateCount({FromUnixDay(1), 24})).value();
  EXPECT_EQ(codec::HexEncode(EncodeMandateCount(count)), "a20101021818");
  EXPECT_EQ(count.from, FromUnixDay(1));
  EXPECT_EQ(count.patients, 24u);

  const QuestionNotice asked{"auditor",        "a", "", Timestamp(), FromUnixMillis(-1),
                             FromUnixMillis(2)};
  const QuestionNotice question = DecodeQuestionNotice(EncodeQuestionNotice(asked)).value();
  EXPECT_EQ(codec::HexEncode(EncodeQuestionNotice(asked)),
            "a6016761756469746f7202616103600400052006"
            "02");
  EXPECT_EQ(question.asker_role, "auditor");
  EXPECT_EQ(question.asker, "a");
  EXPECT_EQ(question.from, asked.from);
  EXPECT_EQ(question.to, asked.to);
  EXPECT_EQ(question.asked, asked.asked);
}

TEST(NoticesTest, RefusesWhatIsNotExactlyOne) {
  const Bytes good = EncodeMandateNotice(SomeMandate());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeMandateNotice(ByteSpan(good).first(size)).has_value()) << size;
  }
  Bytes bad = good;
  bad.push_back(0);
  EXPECT_FALSE(DecodeMandateNotice(bad).has_value());
  bad = good;
  bad.back() ^= 1;  // no point of the curve
  EXPECT_FALSE(DecodeMandateNotice(bad).has_value());
  bad = good;
  bad[1] = 2;  // another label first
  EXPECT_FALSE(DecodeMandateNotice(bad).has_value());
  EXPECT_FALSE(DecodeSharedDaysNotice(good).has_value());
  EXPECT_FALSE(DecodeMandateCount(good).has_value());
  EXPECT_FALSE(DecodeQuestionNotice(good).has_value());
}

}  // namespace
}  // namespace salus::audit
