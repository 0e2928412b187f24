'use strict';

const leaving = new Set();

process.on('exit', () => {
    for (const leave of leaving) leave();
});

/** atExit calls `leave` when the process ends in order: by process.exit, an error, or nothing left to do. It returns how to stop that. */
function atExit(leave) {
    leaving.add(leave);
    return () => leaving.delete(leave);
}

module.exports = { atExit };
