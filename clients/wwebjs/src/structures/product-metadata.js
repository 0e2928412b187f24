'use strict';

const Base = require('./base');

/** ProductMetadata is made by programs only; the bot reads no catalogues. */
class ProductMetadata extends Base {
    constructor(client, data) {
        super(client);
        if (data) Object.assign(this, { id: data.id, name: data.name, description: data.description, retailer_id: data.retailer_id });
    }
}

module.exports = ProductMetadata;
