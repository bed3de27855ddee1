"""Specs of small networks for onnx_export.py that between them have what an inference graph can have."""

NETWORKS = {
    "convolutions": """
model convolutions(image: u8[N, 3, 13, 11]) {
  classes ["a", "b c", "\\"d\\""]
  x = normalize(image, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225])
  stem = conv2d(x, 8, kernel = [3, 5], stride = [2, 1], pad = [1, 2, 0, 3], dilation = [1, 2])
  bn1 = batch_norm(stem)
  depthwise = conv2d(relu(bn1), 16, kernel = 3, pad = "same", groups = 8, bias = false)
  bn2 = batch_norm(depthwise, eps = 1e-3, affine = false)
  bn3 = batch_norm(relu6(bn2))
  up = conv_transpose2d(silu(bn3), 12, kernel = 3, stride = 2, pad = 1, output_pad = 1, groups = 4)
  up2 = conv_transpose2d(up, 6, kernel = [2, 3], stride = [1, 2], dilation = 2, bias = false)
  pointwise = conv2d(up2, 6, kernel = 1)
  twice = shared(conv2d)
  y = twice(twice(pointwise, 6, kernel = 3, pad = 1), 6, kernel = 3, pad = 1)
  w = constants(values = [0.5, -0.25, 1, 2], shape = [1, 1, 2, 2])
  fc = linear(flatten(global_avg_pool(y)), 3)
  predict fc
  predict probability = softmax(fc)
  predict mask = conv2d(mean(pointwise, axes = [1], keepdims = true), w)
}""",
    "pools": """
model pools(x: f32[N, 4, 15, 14]) {
  predict a = max_pool(x, kernel = 3, stride = 2, pad = 1, ceil_mode = true)
  predict b = max_pool(x, kernel = [4, 3], stride = [3, 2], pad = [2, 0, 1, 1])
  predict c = avg_pool(x, kernel = 4, stride = 3, pad = 2, ceil_mode = true)
  predict d = avg_pool(x, kernel = 4, stride = 3, pad = [0, 1, 2, 1], count_include_pad = false)
  predict e = avg_pool(x, kernel = 4, stride = 3, ceil_mode = true)
  predict f = avg_pool(x, kernel = 3, stride = 2, pad = 1)
  predict g = adaptive_avg_pool(x, 4, 3)
  predict h = adaptive_avg_pool(x, 5, 7)
  predict i = adaptive_max_pool(x, 4, 3)
  predict j = lp_pool(x, kernel = 3, norm = 3, stride = 2)
  predict k = global_max_pool(x)
  predict l = max_pool(x, kernel = 2, stride = 3)
  predict m = avg_pool(x, kernel = 5, stride = 4, pad = [1, 2, 2, 2], ceil_mode = true, count_include_pad = false)
}""",
    "resizing": """
model resizing(x: f32[N, 2, 6, 9]) {
  predict a = resize(x, size = [12, 27], mode = "nearest")
  predict b = resize(x, size = [3, 9], mode = "nearest")
  predict c = resize(x, size = [7, 4], mode = "nearest")
  predict d = resize(x, size = [12, 18], mode = "nearest_exact")
  predict e = resize(x, size = [5, 3], mode = "nearest_exact")
  predict f = resize(x, size = [11, 13])
  predict g = resize(x, size = [11, 13], align_corners = true)
  predict h = resize(x, scale = 1.7)
  predict i = resize(x, size = [3, 18], mode = "bicubic")
  predict j = resize(x, size = [13, 5], mode = "bicubic", align_corners = true)
  predict k = resize(x, scale = [0.6, 2.0], mode = "nearest")
  predict l = resize(x, size = [2, 3], mode = "area")
  predict m = pad(x, pads = [1, 2, 3, 4], value = -1.5)
  predict n = pad(x, pads = [1, 2, 3, 4], mode = "reflect")
  predict o = pad(x, pads = [1, 0, 3, 4], mode = "edge")
  predict p = pad(x, pads = [1, 2, 3, 4], mode = "circular")
  predict q = resize(x, size = [1, 1])
  predict r = resize(x, size = [1, 5], align_corners = true)
}""",
    "activations": """
model activations(x: f32[N, 5, 4, 6], y: f32[N, 5, 1, 6]) {
  parameter slope : f32[5] = constant(0.25)
  parameter slopes : f32[1, 1, 4, 6] = constant(0.25)
  predict a = relu(x) + relu6(3 * x) + leaky_relu(x, slope = 0.2) + elu(x, alpha = 0.7)
  predict b = prelu(x, slope) + prelu(x, slopes) + sigmoid(x) + tanh(x) + silu(x)
  predict c = hardsigmoid(x) + hardswish(2 * x) + mish(x) + gelu(x) + gelu(x, approximate = "tanh")
  predict d = softplus(x) + softplus(x, beta = 2.0, threshold = 1.0) + softplus(x, beta = 0.5)
  predict e = clip(x, min = -0.5, max = 0.75) + clip(x, min = -0.25, max = inf) + clip(x, min = -inf, max = 0.5)
  predict f = exp(x) + log(abs(x) + 0.1) + erf(x) + sqrt(abs(x)) + rsqrt(square(x) + 1)
  predict g = pow(abs(x), exponent = 1.5) + pow(x, exponent = 3.0) + sign(x) * min(x, 0.25) - max(x, y) / (2 + abs(y))
  predict h = where(x > y, x, 0) + where(x, y, x * slope) + (x <= y) + 2 * (x == y) - (x != 0) * (y >= 0.1)
  predict i = where_less(x, y, x * 2, y) - where_equal(sign(x), 1, x, y)
  predict k = x < y
}""",
    "movement": """
model movement(x: f32[N, 12, 4, 6], ids: i32[N, 6], raw: u8[N, 4]) {
  parameter row : f32[1, 1, 1, 6] = normal(std = 1)
  a, b, c = split(x, 3)
  d, e = split(x, [5, 7], axis = 1)
  predict a1 = concat(a, c, roll(b, axis = 2, shift = 1), axis = -1)
  predict b1 = slice(x, axis = 2, begin = 1, end = 3)
  predict c1 = pixel_shuffle(x, 2)
  predict d1 = pixel_unshuffle(x, 2)
  predict d2 = pixel_unshuffle(slice(x, begin = 0, end = 1), 2)
  predict e1 = channel_shuffle(x, groups = 4)
  predict f1 = permute(reshape(x, shape = [-1, 3, 4, 24]), order = [0, 3, 1, 2])
  predict g1 = pad_axis(x, axis = 3, before = 1, after = 2) * 2
  predict h1 = expand_as(mean(x, axes = [1, 2], keepdims = true), x)
  predict i1 = expand_as(row, x)
  predict j1 = pad_channels(d, before = 1, after = 1) + slice_channels(e, begin = 0, end = 7)
  predict k1 = cast(ids) * 0.5 + reshape(slice(slice(a, axis = 1, begin = 0, end = 1), axis = 2, begin = 1, end = 2),
                                         shape = [-1, 6])
  predict l1 = cast(raw) / 255
}""",
    "tokens": """
model tokens(x: f32[N, 6, 8], image: f32[N, 8, 5, 4]) {
  attended = attention(layer_norm(x, axis = -1), heads = 2)
  predict a = attended
  predict b = linear(x, 5, bias = false)
  predict c = sum(x, axes = [1]) + amax(x, axes = [-2]) - mean(x, axes = [1])
  predict d = log_softmax(image) + softmax(image, axis = -1)
  predict e = group_norm(image, groups = 4)
  predict f = instance_norm(image, affine = true)
  predict g = layer_norm(image)
  predict h = se(image, mid = 3)
  predict i = cbam(image, mid = 3, kernel = 3)
  predict j = conv1d(x, 4, kernel = 3, pad = 1)
  predict k = matmul(x, x, transpose_b = true)
  predict l = matmul(reshape(image, shape = [-1, 2, 4, 20]), reshape(image, shape = [-1, 2, 4, 20]), transpose_a = true)
  predict m = l2_normalize(flatten(image))
  predict o = channel_shuffle(image, groups = 2) - channel_mean(image)
  predict p = x - mean(x, axes = [0], keepdims = true)
  predict p1 = batch_norm(image, mode = "train") + channel_sum(image)
  predict p2 = image * channel_variance(image)
  predict q = max_pool1d(x, kernel = 2)
  predict r = group_norm(image, groups = 8, affine = false)
  predict s = layer_norm(x, axis = -1, affine = false)
  predict t = instance_norm(image) + group_norm(image, groups = 2, affine = false)
}""",
    "whole_numbers": """
model whole_numbers(x: f32[N, 5, 6, 7], picture: u8[N, 3, 11, 14]) {
  predict a = argmax(x)
  predict b = argmax(x, axis = -1, keepdims = true)
  predict c = argmax(x, axis = 2, last = true)
  predict d = cast(4 * x, to = "i32")
  predict e = floor(3 * x) + ceil(x) - round(2 * x)
  p, q, r = split(x, [1, 2, 2])
  predict f = q * p - r
  predict g = argmax(global_avg_pool(normalize(picture, mean = [0.5, 0.4, 0.3], std = [0.2, 0.3, 0.4])), last = true)
}""",
    "pictures": """
model pictures(picture: u8[N, 3, 11, 14]) {
  small = resize(picture, size = [7, 5])
  conv = conv2d(normalize(small, mean = [0.5, 0.4, 0.3], std = [0.2, 0.3, 0.4]), 4, kernel = 3)
  predict conv
  predict mean = channel_sum(conv) / element_count(conv)
}""",
}
