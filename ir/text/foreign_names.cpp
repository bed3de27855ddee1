#include "ir/text/foreign_names.h"

#include <algorithm>
#include <array>

namespace rnc::text {
namespace {

constexpr std::string_view kNoOperation = "rnc has no such operation yet";
constexpr std::string_view kOutputs =
    "the number of outputs stands after the operand: conv2d(x, 64, kernel = 3), linear(x, 10)";

constexpr auto kTable = std::to_array<ForeignName>({
    {Wanted::operation, "conv convolution convolution2d", "conv2d", {}},
    {Wanted::operation, "conv1d conv3d", {}, kNoOperation},
    {Wanted::operation, "convtranspose2d conv2dtranspose deconv deconvolution", "conv_transpose2d", {}},
    {Wanted::operation,
     "depthwiseconv2d depthwiseconv depthwiseconvolution",
     {},
     "write conv2d with groups = channels(x)"},
    {Wanted::operation,
     "separableconv2d separableconv",
     {},
     "write a conv2d with groups = channels(x) and one with kernel = 1"},
    {Wanted::operation,
     "batchnorm1d batchnorm2d batchnormalization batchnormalisation bn syncbatchnorm",
     "batch_norm",
     {}},
    {Wanted::operation, "localresponsenorm lrn rmsnorm", {}, kNoOperation},
    {Wanted::operation, "layernorm layernormalization", "layer_norm", {}},
    {Wanted::operation, "groupnorm groupnormalization", "group_norm", {}},
    {Wanted::operation, "instancenorm instancenorm2d", "instance_norm", {}},
    {Wanted::operation, "maxpool2d maxpooling maxpooling2d", "max_pool", {}},
    {Wanted::operation, "avgpool2d averagepool averagepooling averagepooling2d", "avg_pool", {}},
    {Wanted::operation,
     "adaptiveavgpool2d adaptiveavgpool globalaveragepool globalaveragepooling globalaveragepooling2d "
     "globalavgpool2d gap",
     "global_avg_pool",
     {}},
    {Wanted::operation,
     "adaptivemaxpool2d globalmaxpool globalmaxpooling globalmaxpooling2d",
     "global_max_pool",
     {}},
    {Wanted::operation, "dense fc fullyconnected innerproduct gemm affine", "linear", {}},
    {Wanted::operation, "mm dot", "matmul", {}},
    {Wanted::operation, "selu celu glu logsigmoid softsign threshold", {}, kNoOperation},
    {Wanted::operation, "leakyrelu", "leaky_relu", {}},
    {Wanted::operation, "swish", "silu", {}},
    {Wanted::operation, "clamp hardtanh", "clip", {}},
    {Wanted::operation, "maximum", "max", {}},
    {Wanted::operation, "minimum", "min", {}},
    {Wanted::operation, "activation", "relu", {}},
    {Wanted::operation, "logsoftmax", {}, "cross_entropy takes the scores before softmax"},
    {Wanted::operation,
     "crossentropyloss nllloss categoricalcrossentropy sparsecategoricalcrossentropy softmaxcrossentropy "
     "softmaxcrossentropywithlogits",
     "cross_entropy",
     {}},
    {Wanted::operation,
     "bceloss bcewithlogitsloss binarycrossentropy binarycrossentropywithlogits",
     "bce_with_logits",
     {}},
    {Wanted::operation, "mseloss meansquarederror", "mse", {}},
    {Wanted::operation, "l1loss", "l1", {}},
    {Wanted::operation, "smoothl1loss", "smooth_l1", {}},
    {Wanted::operation, "squeezeexcitation squeezeandexcitation", "se", {}},
    {Wanted::operation, "dropout", "dropout", {}},
    {Wanted::operation, "droppath stochasticdepth", "drop_path", {}},
    {Wanted::operation, "dropout1d dropout2d alphadropout spatialdropout2d dropblock", {}, kNoOperation},
    {Wanted::operation,
     "sequential modulelist",
     {},
     "write the operations one after another, or a block of them"},
    {Wanted::operation, "concatenate cat", "concat", {}},
    {Wanted::operation, "stack hstack vstack", {}, kNoOperation},
    {Wanted::operation, "split chunk narrow", "slice", {}},
    {Wanted::operation,
     "pad zeropad zeropad2d zeropadding2d constantpad2d",
     {},
     "convolutions and pools have an argument pad; pad_axis adds zeros along a dimension"},
    {Wanted::operation, "view unflatten", "reshape", {}},
    {Wanted::operation, "subtract", "sub", {}},
    {Wanted::operation, "multiply", "mul", {}},
    {Wanted::operation, "divide", "div", {}},
    {Wanted::operation, "reciprocal neg negative", {}, "write it with - * /"},
    {Wanted::operation,
     "upsample upsample2d upsampling2d interpolate",
     {},
     "rnc has no such operation yet; resize is for images of bytes"},
    {Wanted::operation,
     "expand repeatinterleave prod "
     "sin "
     "cos argmax topk norm einsum bmm embedding lstm gru rnn attention "
     "multiheadattention transformer",
     {},
     kNoOperation},
    {Wanted::operation,
     "sgd adam adamw rmsprop",
     {},
     "it is an optimizer: write `train sgd(momentum = 0.9)`"},
    {Wanted::operation, "pixelshuffle", "pixel_shuffle", {}},
    {Wanted::operation, "channelshuffle", "channel_shuffle", {}},
    {Wanted::operation, "reducemean", "mean", {}},
    {Wanted::operation, "reducesum", "sum", {}},
    {Wanted::operation, "reducemax", "amax", {}},
    {Wanted::operation, "print range", {}, "rnc has no such function"},

    {Wanted::operation, "squeeze unsqueeze", {}, "write it with reshape"},
    {Wanted::operation, "transpose", "permute", {}},
    {Wanted::argument, "negativeslope", "slope", {}},
    {Wanted::argument, "padding pads", "pad", {}},
    {Wanted::argument, "strides subsample", "stride", {}},
    {Wanted::argument, "kernelsize kernelshape ksize poolsize filtersize windowsize", "kernel", {}},
    {Wanted::argument, "dilations dilationrate", "dilation", {}},
    {Wanted::argument, "group numgroups", "groups", {}},
    {Wanted::argument, "usebias biasterm", "bias", {}},
    {Wanted::argument, "epsilon", "eps", {}},
    {Wanted::argument, "outputsize newshape", "size", {}},
    {Wanted::argument,
     "outchannels outfeatures outplanes filters units numoutput numoutputs outputdim",
     {},
     kOutputs},
    {Wanted::argument,
     "inchannels infeatures inplanes inputshape inputdim inputsize numfeatures",
     {},
     "it is that of the operand; leave it out"},
    {Wanted::argument, "inplace", {}, "no result is written in place; leave it out"},
    {Wanted::argument, "paddingmode", {}, "the padding is of zeros"},
    {Wanted::argument, "ceilmode", {}, "sizes are rounded down"},
    {Wanted::argument, "center scale trackrunningstats", {}, "it is always true; leave it out"},
    {Wanted::argument, "activation", {}, "write relu(...) around the call"},
    {Wanted::argument,
     "kernelinitializer biasinitializer weightinitializer weightfiller",
     {},
     "write `init conv2d.weight = kaiming_normal()` before the layers"},
    {Wanted::argument, "dataformat", {}, "tensors are written as [N, channels, height, width]"},
    {Wanted::argument, "name", {}, "the name stands before the =: conv1 = conv2d(...)"},
    {Wanted::argument, "device dtype", {}, "there is nothing to choose; leave it out"},

    {Wanted::value, "true yes on", "true", {}},
    {Wanted::value, "false no off", "false", {}},
    {Wanted::value, "none null nullptr nil", {}, "rnc has no such value"},
    {Wanted::value, "self this", {}, "names stand alone: conv1, not self.conv1"},

    {Wanted::statement, "while foreach loop", "for", {}},
    {Wanted::statement, "elif elsif elseif", {}, "write } else if ... {"},
    {Wanted::statement, "let var const auto", {}, "write NAME = VALUE"},
    {Wanted::statement, "optimizer optimiser", "train", {}},
    {Wanted::statement, "criterion", "loss", {}},
    {Wanted::statement,
     "input",
     {},
     "inputs stand after the model's name: model NAME(image: u8[N, 3, 32, 32])"},
    {Wanted::statement, "def fn func function", {}, "a block stands outside of the model"},
    {Wanted::statement, "labels", "classes", {}},

    {Wanted::item, "import from using use require", "include", {}},
    {Wanted::item, "def fn func function module layer", "block", {}},
    {Wanted::item, "class network net graph", "model", {}},
    {Wanted::item, "let var define constexpr", "const", {}},

    {Wanted::type, "float float32 fp32 f single", "f32", {}},
    {Wanted::type, "uint8 byte uchar ubyte", "u8", {}},
    {Wanted::type, "int int32 integer int64 i64 long", "i32", {}},

    {Wanted::initializer, "henormal kaimingnormalized msra", "kaiming_normal", {}},
    {Wanted::initializer, "heuniform", "kaiming_uniform", {}},
    {Wanted::initializer, "xavier glorotuniform glorot", "xavier_uniform", {}},
    {Wanted::initializer, "glorotnormal", "xavier_normal", {}},
    {Wanted::initializer, "zeros zero", {}, "write constant(0)"},
    {Wanted::initializer, "ones one", {}, "write constant(1)"},
    {Wanted::initializer, "gaussian randomnormal randn", "normal", {}},
    {Wanted::initializer, "randomuniform rand", "uniform", {}},
    {Wanted::initializer,
     "truncnormal truncatednormal orthogonal dirac eye identity lecunnormal lecununiform sparse",
     {},
     "rnc has no such initialiser yet"},

    {Wanted::optimizer, "momentum nesterov", {}, "write sgd(momentum = 0.9)"},
    {Wanted::optimizer,
     "nadam adagrad adadelta adamax radam lamb lars lion adafactor lbfgs",
     {},
     "rnc has no such optimizer yet"},
    {Wanted::hyper, "learningrate", {}, "it is the recipe's: recipe(lr = ...)"},
    {Wanted::hyper, "betas", {}, "write beta1 = ... and beta2 = ..."},
    {Wanted::hyper, "epsilon", "eps", {}},
    {Wanted::hyper, "rho decay", "alpha", {}},
    {Wanted::hyper, "wd l2 decayrate", "weight_decay", {}},
    {Wanted::hyper,
     "amsgrad maximize foreach capturable fused",
     {},
     "rnc's optimizers have no such variant yet"},

    {Wanted::setting, "learningrate baselr initiallr", "lr", {}},
    {Wanted::setting, "batch bs", "batch_size", {}},
    {Wanted::setting, "numepochs nepochs maxepochs", "epochs", {}},
    {Wanted::setting, "scheduler lrschedule schedule", "lr_scheduler", {}},
    {Wanted::setting, "gamma", "lr_gamma", {}},
    {Wanted::setting, "milestones", "lr_milestones", {}},
    {Wanted::setting, "stepsize", "lr_step_size", {}},
    {Wanted::setting, "warmup warmupepochs", "lr_warmup_epochs", {}},
    {Wanted::setting, "horizontalflip randomhorizontalflip flip", "hflip", {}},
    {Wanted::setting, "mixup", "mixup_alpha", {}},
    {Wanted::setting, "gradclip clipnorm maxgradnorm", "clip_grad_norm", {}},
    {Wanted::setting, "patience earlystopping", "early_stop", {}},
    {Wanted::setting, "optimizer optimiser opt", {}, "write `train sgd(momentum = 0.9)`"},
    {Wanted::setting,
     "momentum weightdecay normweightdecay biasweightdecay nesterov dampening beta1 beta2 eps",
     {},
     "it is the optimizer's: train sgd(momentum = 0.9, weight_decay = 1e-4)"},
});

bool contains_word(std::string_view words, std::string_view word) {
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = std::min(words.find(' ', begin), words.size());
    if (words.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

const ForeignName* find_foreign(Wanted wanted, std::string_view name) {
  for (const ForeignName& row : kTable) {
    if (row.wanted == wanted && contains_word(row.names, name)) return &row;
  }
  return nullptr;
}

}  // namespace rnc::text
