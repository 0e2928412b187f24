'use strict';

const prefix = 'urn:sesi:problem:';

/** SesiError is an answer of the bot that is not a success. `kind` is the last word of the problem's type. */
class SesiError extends Error {
    constructor(status, problem = {}, headers) {
        super(problem.detail || problem.message || problem.title || `the bot answered ${status}`);
        this.name = 'SesiError';
        this.status = status;
        this.problem = problem;
        this.kind = String(problem.type || '').startsWith(prefix) ? problem.type.slice(prefix.length) : '';
        this.retryAfter = Number(headers?.get('Retry-After')) || 0;
        this.oldestCursor = headers?.get('Sesi-Oldest-Cursor') || '';
    }
}

/** Unreachable says that no answer came. The bot may have done what it was asked for. */
class Unreachable extends Error {
    constructor(url, cause) {
        super(`no answer from the bot at ${url}: ${cause?.cause?.code || cause?.cause?.message || cause?.message}`, { cause });
        this.name = 'Unreachable';
    }
}

/** NotSupported is thrown by what Sesi cannot do, and says why. */
class NotSupported extends Error {
    constructor(what, reason) {
        super(`${what} is not supported by Sesi: ${reason}`);
        this.name = 'NotSupported';
        this.reason = reason;
    }
}

const awayStatuses = new Set([429, 502, 503, 504]);

/** isAway reports whether the bot, or the gateway before it, may answer the same request later. */
function isAway(error) {
    if (error instanceof Unreachable) return true;
    if (!(error instanceof SesiError)) return false;
    if (error.problem.messageId) return false; // the message was tried, and has its end
    return awayStatuses.has(error.status);
}

/** isMissing reports whether the bot does not have what was asked for. */
function isMissing(error) {
    return error instanceof SesiError && error.status === 404;
}

module.exports = { SesiError, Unreachable, NotSupported, isAway, isMissing };
