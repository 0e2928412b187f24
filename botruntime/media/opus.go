package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"

	"sesi.dev/sesi/api/bot"
)

const (
	// opusRate is the clock of Ogg with Opus, whatever the recording's own rate is.
	opusRate = 48000
	// maxPackets bounds what is remembered of a recording: an hour of packets of 20 ms is 180,000.
	maxPackets = 200_000
	pageHead   = 27
)

// readOpus reads how long a recording is and how loud it is over its time. An encoder spends more bytes where there is
// more to hear, so the sizes of the packets stand for the loudness; nothing is decoded.
func readOpus(file io.Reader) (seconds uint32, waveform []int) {
	in := bufio.NewReaderSize(file, 16<<10)
	var sizes []uint16
	var last, skip uint64
	size, header := 0, 0
	for {
		var head [pageHead]byte
		if _, err := io.ReadFull(in, head[:]); err != nil || string(head[:4]) != "OggS" {
			break
		}
		lacing := make([]byte, head[26])
		if _, err := io.ReadFull(in, lacing); err != nil {
			break
		}
		total := 0
		for _, n := range lacing {
			total += int(n)
			size += int(n)
			if n < 255 {
				if header < 2 { // the first packet describes the recording, the second has its tags
					header++
				} else if len(sizes) < maxPackets {
					sizes = append(sizes, uint16(min(size, math.MaxUint16))) //nolint:gosec // bounded
				}
				size = 0
			}
		}
		if header <= 1 && skip == 0 && total >= 12 {
			if first, err := in.Peek(12); err == nil && bytes.HasPrefix(first, []byte("OpusHead")) {
				skip = uint64(binary.LittleEndian.Uint16(first[10:12]))
			}
		}
		if _, err := in.Discard(total); err != nil {
			break
		}
		if at := binary.LittleEndian.Uint64(head[6:14]); at != math.MaxUint64 && at < 1<<52 {
			last = max(last, at)
		}
	}
	if last > skip {
		seconds = uint32(min((last-skip+opusRate/2)/opusRate, math.MaxUint32)) //nolint:gosec // bounded
		seconds = max(seconds, 1)
	}
	return seconds, bars(sizes)
}

// bars draws the sizes of packets as bars from 0 to 100.
func bars(sizes []uint16) []int {
	if len(sizes) == 0 {
		return nil
	}
	out := make([]int, bot.WaveformBars)
	means := make([]float64, bot.WaveformBars)
	least, most := math.Inf(1), 0.0
	for i := range means {
		from := i * len(sizes) / len(means)
		to := max((i+1)*len(sizes)/len(means), from+1)
		sum := 0.0
		for _, size := range sizes[from:min(to, len(sizes))] {
			sum += float64(size)
		}
		means[i] = sum / float64(to-from)
		least, most = min(least, means[i]), max(most, means[i])
	}
	for i, mean := range means {
		if most > least {
			out[i] = int(math.Round(100 * (mean - least) / (most - least)))
		}
	}
	return out
}
