// Node, CommonJS: the same package through require.
const isotone = require("isotone");
const small = require("isotone/predict");

import("./body.js")
  .then(({ conformance }) => conformance(isotone, small))
  .then((digests) => console.log(JSON.stringify(digests)));
