/* decoders.c: the table of decoders, made from decoders.def. */
#include "ingest/decode/decoder.h"

#include <assert.h>

#define X(name) extern const struct bf_decoder bf_decoder_##name;
#include "ingest/decode/decoders.def"
#undef X

static const struct bf_decoder *const decoders[] = {
#define X(name) &bf_decoder_##name,
#include "ingest/decode/decoders.def"
#undef X
    NULL,
};

static const struct bf_decoder *const by_format[] = {
    [BF_FORMAT_JSON] = &bf_decoder_json,        [BF_FORMAT_CBOR] = &bf_decoder_cbor,
    [BF_FORMAT_MSGPACK] = &bf_decoder_msgpack,  [BF_FORMAT_SENML_JSON] = &bf_decoder_senml,
    [BF_FORMAT_SENML_CBOR] = &bf_decoder_senml,
    [BF_FORMAT_SCALAR] = &bf_decoder_scalar,
    [BF_FORMAT_BINARY] = &bf_decoder_binary,
    [BF_FORMAT_CSV] = &bf_decoder_csv,
    [BF_FORMAT_ULTRALIGHT] = &bf_decoder_ultralight,
};

const struct bf_decoder *bf_decoder_at(size_t index)
{
    return index < sizeof decoders / sizeof decoders[0] ? decoders[index] : NULL;
}

const struct bf_decoder *bf_decoder_of(enum bf_format format)
{
    assert((size_t)format < sizeof by_format / sizeof by_format[0]);
    return by_format[format];
}
