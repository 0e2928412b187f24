// Package scan reads QR codes off pictures, for tests; it never draws one.
package scan

import (
	"bytes"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Code reads the QR code in a picture (PNG), "" when it cannot. Of pictures in which a code must be found first, such as
// screenshots, it cannot read about one random code in a hundred, whoever drew it; of those that are the code alone, it
// reads all.
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
