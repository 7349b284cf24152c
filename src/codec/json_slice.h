// The exact bytes of the parts of a JSON text, for whoever must keep them as they came.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace salus::codec {

// JsonMemberSlice is one member of an object. name is unescaped.
struct JsonMemberSlice {
  std::string name;
  std::string_view value;
};

// JsonMembers and JsonElements cut the text of one object, or one array, into its values.
//
// Source:    RFC 8259.
// Shape:     text is one that ParseJson took, or a part of it; each value comes without the white
//            space around it, in the order it stands. A value of another type has no parts.
// Ownership: the slices view text.
std::vector<JsonMemberSlice> JsonMembers(std::string_view object);
std::vector<std::string_view> JsonElements(std::string_view array);

}  // namespace salus::codec
