#include "audit/task_notice.h"

#include <gtest/gtest.h>

#include "codec/hex.h"

namespace salus::audit {
namespace {

TaskNotice SomeTask() {
  TaskNotice notice;
  notice.task_id = Bytes(16, 1);
  notice.title = "t";
  notice.purpose = "p";
  notice.statistic = "sum";
  notice.publisher = "officer:o";
  notice.min_participants = 3;
  notice.from = FromUnixMillis(1);
  notice.until = FromUnixMillis(2);
  notice.definition[0] = 9;
  return notice;
}

TEST(TaskNoticeTest, SaysWhatPeoplesDataIsUsedFor) {
  // Written by hand: a map of 10, each label before its value.
  const std::string expected = "aa0150" + std::string("01010101010101010101010101010101") +
                               "026174"
                               "036170"
                               "046373756d"
                               "05696f6666696365723a6f"
                               "0603"
                               "0701"
                               "0802"
                               "0960"
                               "0a582009" +
                               std::string(62, '0');
  const Bytes content = EncodeTaskNotice(SomeTask()).value();
  EXPECT_EQ(codec::HexEncode(content), expected);
  const TaskNotice read = DecodeTaskNotice(content).value();
  EXPECT_EQ(read.purpose, "p");
  EXPECT_EQ(read.min_participants, 3u);
  EXPECT_EQ(read.until, FromUnixMillis(2));
  EXPECT_EQ(EncodeTaskNotice(read).value(), content);
  for (std::size_t size = 0; size < content.size(); ++size) {
    EXPECT_FALSE(DecodeTaskNotice(ByteSpan(content).first(size)).has_value()) << size;
  }
}

TEST(TaskNoticeTest, ATaskWithoutPurposeIsNone) {
  TaskNotice notice = SomeTask();
  notice.purpose.clear();
  EXPECT_EQ(EncodeTaskNotice(notice).error().code, ErrorCode::kInvalidArgument);
  notice = SomeTask();
  notice.task_id.pop_back();
  EXPECT_FALSE(EncodeTaskNotice(notice).has_value());
  notice = SomeTask();
  notice.until = FromUnixMillis(0);
  EXPECT_FALSE(EncodeTaskNotice(notice).has_value());
  notice = SomeTask();
  notice.title = std::string(4097, 'x');
  EXPECT_FALSE(EncodeTaskNotice(notice).has_value());
  notice.title = "\xff";
  EXPECT_FALSE(EncodeTaskNotice(notice).has_value());
}

TEST(TaskNoticeTest, AResultIsReadBack) {
  ResultNotice notice;
  notice.task_id = Bytes(32, 2);
  notice.batch = "1";
  notice.participants = 3;
  notice.result = "sum 516";
  notice.publisher = "researcher:r";
  notice.time = FromUnixMillis(5);
  const Bytes content = EncodeResultNotice(notice).value();
  std::string twos;
  for (int i = 0; i < 32; ++i) twos += "02";
  EXPECT_EQ(codec::HexEncode(content), "a7015820" + twos +
                                           "026131"
                                           "0303"
                                           "046773756d20353136"
                                           "056c726573656172636865723a72"
                                           "0605"
                                           "075820" +
                                           std::string(64, '0'));
  EXPECT_EQ(DecodeResultNotice(content).value().result, "sum 516");
  EXPECT_FALSE(DecodeTaskNotice(content).has_value());
}

}  // namespace
}  // namespace salus::audit
