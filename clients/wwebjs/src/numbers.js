'use strict';

const twoDigits = new Set(
    ('20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 ' +
        '90 91 92 93 94 95 98').split(' '),
);

const digitsOf = (number) => String(number?._serialized ?? number).split('@')[0].replace(/\D/g, '');

/** countryCode is the calling code that a number begins with. */
function countryCode(number) {
    const digits = digitsOf(number);
    if (digits.startsWith('1') || digits.startsWith('7')) return digits[0];
    return digits.slice(0, twoDigits.has(digits.slice(0, 2)) ? 2 : 3);
}

/** formatted writes a number for people, in groups of four digits behind the calling code. */
function formatted(number) {
    const digits = digitsOf(number);
    const code = countryCode(digits);
    const rest = digits.slice(code.length);
    const head = rest.length > 8 ? rest.slice(0, rest.length - 8) : '';
    return [`+${code}`, head, ...(rest.slice(head.length).match(/.{1,4}/g) ?? [])].filter(Boolean).join(' ');
}

module.exports = { countryCode, formatted };
