// The page's files, which are in netd/http/page/ and, by embed.py, in the program.
#ifndef NETD_HTTP_PAGE_FILES_H_
#define NETD_HTTP_PAGE_FILES_H_

#include <string_view>

namespace netd::http {

struct PageFile {
  std::string_view path;  // "/page.js"
  const char* type;
  std::string_view content;
};

// Null: there is no such file. "/" is index.html.
[[nodiscard]] const PageFile* find_page_file(std::string_view path);

}  // namespace netd::http

#endif  // NETD_HTTP_PAGE_FILES_H_
