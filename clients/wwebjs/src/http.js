'use strict';

const { SesiError, Unreachable } = require('./errors');
const { retry } = require('./wait');

const answerTime = 60_000;
const readTries = 30_000;
const silence = 45_000; // the bot writes at least every 15 seconds to a stream

/** Api speaks HTTP with one bot, directly or through the gateway. */
class Api {
    constructor({ url, token, key, session } = {}) {
        this.url = base(url || 'http://127.0.0.1:3000', session);
        this.headers = { 'User-Agent': 'sesi-wwebjs' };
        if (token) this.headers.Authorization = `Bearer ${token}`;
        if (key) this.headers['X-Api-Key'] = key;
    }

    address(path, query = {}) {
        const url = new URL(this.url + path);
        for (const [name, value] of Object.entries(query)) {
            if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
        }
        return url;
    }

    /** fetch returns the response of a success. */
    async fetch(method, path, { query, body, headers = {}, signal } = {}) {
        const request = { method, headers: { ...this.headers, ...headers }, signal, redirect: 'error' };
        if (Buffer.isBuffer(body)) {
            request.body = body;
        } else if (body !== undefined) {
            request.headers['Content-Type'] = 'application/json';
            request.body = JSON.stringify(body);
        }
        let response;
        try {
            response = await fetch(this.address(path, query), request);
        } catch (error) {
            throw new Unreachable(this.url, error);
        }
        if (response.ok) return response;
        let problem = {};
        try {
            problem = await response.json();
        } catch {
            // the status says enough
        }
        throw new SesiError(response.status, problem, response.headers);
    }

    /** json sends one request and returns the answer's JSON, or undefined for an empty answer. */
    async json(method, path, options = {}) {
        const headers = { Accept: 'application/json', ...options.headers };
        const response = await this.fetch(method, path, { ...options, headers, signal: timed(options.signal) });
        try {
            const text = await response.text();
            return text ? JSON.parse(text) : undefined;
        } catch (error) {
            throw new Unreachable(this.url, error);
        }
    }

    /** read is json for GET: it is tried again while the bot is away. */
    read(path, query, signal) {
        return retry(() => this.json('GET', path, { query, signal }), readTries, signal);
    }

    /** bytes downloads a file. */
    async bytes(path, query, signal) {
        return retry(async () => {
            const response = await this.fetch('GET', path, { query, signal });
            try {
                return Buffer.from(await response.arrayBuffer());
            } catch (error) {
                throw new Unreachable(this.url, error);
            }
        }, readTries, signal);
    }

    /** stream yields the frames of server-sent events, {id, event, data}, until the connection ends. */
    async *stream(path, { query, signal } = {}) {
        const quiet = new AbortController();
        let timer = setTimeout(() => quiet.abort(), silence);
        const both = signal ? AbortSignal.any([signal, quiet.signal]) : quiet.signal;
        try {
            const response = await this.fetch('GET', path, { query, signal: both, headers: { Accept: 'text/event-stream' } });
            const decoder = new TextDecoder();
            let text = '';
            for await (const chunk of response.body) {
                clearTimeout(timer);
                text += decoder.decode(chunk, { stream: true });
                for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
                    const frame = parseFrame(text.slice(0, end));
                    text = text.slice(end + 2);
                    if (frame) yield frame;
                }
                timer = setTimeout(() => quiet.abort(), silence);
            }
        } catch (error) {
            if (error instanceof SesiError || error instanceof Unreachable) throw error;
            throw new Unreachable(this.url, error);
        } finally {
            clearTimeout(timer);
            quiet.abort(); // a reader that leaves early closes the connection
        }
    }
}

/** base is the address below which the bot's paths are. A gateway has many sessions: NAMESPACE/NAME chooses one. */
function base(url, session) {
    const parsed = new URL(url);
    if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') throw new TypeError(`sesi.url: ${url} is not an http address`);
    const address = (parsed.origin + parsed.pathname).replace(/\/+$/, '');
    if (!session) return address;
    const [namespace, name, more] = String(session).split('/');
    if (!namespace || !name || more !== undefined) throw new TypeError('sesi.session: want NAMESPACE/NAME');
    return `${address}/v1/namespaces/${encodeURIComponent(namespace)}/sessions/${encodeURIComponent(name)}`;
}

function timed(signal) {
    const limit = AbortSignal.timeout(answerTime);
    return signal ? AbortSignal.any([signal, limit]) : limit;
}

function parseFrame(text) {
    const frame = { id: '', event: '', data: '' };
    for (const line of text.split('\n')) {
        const at = line.indexOf(':');
        if (at <= 0) continue; // a comment
        const name = line.slice(0, at);
        const value = line.slice(at + 1).replace(/^ /, '');
        if (name === 'data') frame.data += (frame.data ? '\n' : '') + value;
        else if (name in frame) frame[name] = value;
    }
    return frame.data ? frame : undefined;
}

module.exports = { Api };
