#include "quire/app/cli/named_tasks.hpp"

#include "quire/app/cli/exit_status.hpp"

namespace quire::cli {

task_id number_of(runtime& looking, const task_name& name, const database_choice& database) {
  if (name.public_id.empty())
    return name.id;
  if (auto found = looking.find_public(name.public_id))
    return *found;
  throw command_error("there is no task " + name.public_id + " in the database "
                      + database.description());
}

task_filter filter_of(runtime& looking, const given_filter& which,
                      const database_choice& database) {
  auto filter = which.filter;
  if (which.parent)
    filter.parent = number_of(looking, *which.parent, database);
  return filter;
}

std::vector<task_id> numbers_of(runtime& looking, const std::vector<task_name>& names,
                                const database_choice& database) {
  std::vector<task_id> numbers;
  for (auto& name : names)
    numbers.push_back(number_of(looking, name, database));
  return numbers;
}

} // namespace quire::cli
