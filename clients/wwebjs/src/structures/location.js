'use strict';

/** Location is a place on the map. */
class Location {
    constructor(latitude, longitude, options = {}) {
        this.latitude = latitude;
        this.longitude = longitude;
        this.name = options.name;
        this.address = options.address;
        this.url = options.url;
        this.description = [this.name, this.address].filter(Boolean).join('\n');
    }
}

module.exports = Location;
