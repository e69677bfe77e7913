// Somebody as a log-in provider describes them, once it has vouched for them.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::identity {

struct ExternalPerson {
  std::string subject;  // the provider's own id, never given to somebody else
  std::string name;     // what it calls them; untrusted, and not necessarily an account's name
  std::string display_name;
  std::string email;
  bool email_verified = false;
  std::vector<std::string> groups;
  // Whether these are all of them. Of an answer that was cut off, or that says they are elsewhere, nobody
  // knows, and what is not known takes nothing away.
  bool groups_complete = true;
  std::string groups_note;  // what of the groups could not be read or is missing, for people; "" for nothing
  // The provider says that it has seen a second factor, and is trusted with that.
  bool multi_factor = false;
};

}  // namespace bulkhead::identity
