// Samples of several pictures for models that compare them (Bromley et al. 1993; Schroff et al. 2015), made of a data set
// of pictures with a class each.
#pragma once

#include <memory>
#include <vector>

#include "runtime/data/dataset.h"

namespace rnrun {

// Whether a model that takes these fields compares pictures: two or three of one type that are no targets.
bool compares_pictures(const std::vector<Field>& fields);

// What such a data set has to have: "image" and "label".
std::vector<Field> compared_fields(const std::vector<Field>& fields);

// Sample i has for `fields` first the picture i of `data`. Of two pictures the second is of the same class in half of the
// samples, and a target of one number says so, 1 or 0; of three the second is another one of the same class, the third one of
// another class (triplets). Which they are is drawn each time that a sample is read. A field that is_class is the class of the
// first. Throws Error when the classes are too few, or `fields` something else.
std::unique_ptr<const Dataset> with_companions(std::unique_ptr<const Dataset> data,
                                               const std::vector<Field>& fields);

}  // namespace rnrun
