// The image files that are named on a command line.
#pragma once

#include <istream>
#include <string>
#include <vector>

namespace rnrun {

// Each name is one of
//   a file
//   a directory: the images in it and in the directories in it, sorted by path; hidden ones are passed
//     over, and directories that links lead to a second time
//   a pattern of glob(7), "photos/*.jpg": sorted; directories that it finds as above
//   @list.txt: a file with a name on each line
//   -: the same from `input`
// Names in lists are files and directories, taken as they are. Throws Error when a directory, a list or a
// pattern gives none. Whether a file can be read shows when it is read.
std::vector<std::string> image_files(const std::vector<std::string>& names, std::istream& input);

}  // namespace rnrun
